/* fields.h: tables that describe record structs, so that writing, reading back and merging them is one loop each. */
#ifndef MALOTE_RECORDS_FIELDS_H
#define MALOTE_RECORDS_FIELDS_H

#include "base/json.h"
#include "records/records.h"

enum field_type { FIELD_TEXT, FIELD_INT, FIELD_TIME, FIELD_BOOL };

struct field {
    const char *name;
    enum field_type type;
    size_t offset;
    int64_t unknown; /* INT: the value that means "not known" */
};

struct fields {
    const struct field *at;
    size_t count;
};

extern const struct fields fields_order, fields_subscription, fields_checkout;

/* Writes the members that are known. */
void fields_write(struct buf *b, const struct fields *f, const void *record);
/* Reads members of `v` back into `record`; texts are borrowed from the tree. Wrong types are left unknown. */
void fields_read(const struct fields *f, json *v, void *record);
/* Of one member: does the record know it, which of two is greater (<0, 0, >0), and `from`'s value into `to`. */
bool fields_known(const struct field *f, const void *record);
int fields_compare(const struct field *f, const void *a, const void *b);
void fields_copy(const struct field *f, void *to, const void *from);
/* Members that `fresh` knows go into `record`. `fill_only`: only where `record` knows nothing yet. */
void fields_merge(const struct fields *f, void *record, const void *fresh, bool fill_only);

/* An order's items, and all its members, into an object that was begun. */
void fields_write_items(struct buf *b, const struct order *o);
void fields_write_order(struct buf *b, const struct order *o);
/* Orders and the others as JSON read back into structs (items, status and amount included); in `arena`. */
MUST_CHECK enum err fields_read_order(json *v, struct arena *arena, struct order *out);
MUST_CHECK enum err fields_read_subscription(slice text, struct arena *arena,
                                             struct subscription *out);
MUST_CHECK enum err fields_read_checkout(slice text, struct arena *arena, struct checkout *out);

#endif
