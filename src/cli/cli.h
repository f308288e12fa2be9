/* cli.h: the commands. Those that talk to a running hub go through client.c; exit codes: 0 ok, 1 failed, 2 usage. */
#ifndef MALOTE_CLI_CLI_H
#define MALOTE_CLI_CLI_H

#include <stdio.h>

#include "base/buf.h"
#include "base/json.h"

enum {
    EXIT_OK = 0,
    EXIT_FAILED = 1,
    EXIT_USAGE = 2,
    CLI_ARENA_MAX = 256 * 1024 * 1024,
    CLI_FLAGS_MAX = 32,
    CLI_ARGS_MAX = 8
};

/* A parsed command line: `--name value`, `--name=value`, `--name` (for the switches), `-n value` for names of one letter, and the rest. */
struct args {
    struct {
        slice name, value; /* value .ptr NULL for a switch */
    } flag[CLI_FLAGS_MAX];
    size_t flag_count;
    const char *word[CLI_ARGS_MAX];
    size_t count;
    bool json;        /* --json: print the hub's answer as it is */
    const char *type; /* of the body; NULL: application/json */
    struct arena *arena;
};

/* Reads argv[0..argc-1] behind the command's name. `flags` lists the flags that are known, blank-separated, switches with a '!'
 * behind; each is told in `why` when it is not. */
MUST_CHECK enum err args_read(int argc, char **argv, const char *flags, struct args *out,
                              struct why *why);
/* Value of a flag; .ptr NULL when it was not given. A switch has the value "". */
slice args_flag(const struct args *a, const char *name);
bool args_has(const struct args *a, const char *name);
/* Is every flag that was given among `flags`? For commands whose verbs take different ones. */
bool args_only(const struct args *a, const char *flags);

/* One command. run gets what stands behind its name. */
struct command {
    const char *name, *usage, *help,
        *flags; /* the first line of `help` stands in the list of all */
    int (*run)(struct args *a, const struct command *c);
    const char *path;    /* for the generic ones: the API's path, {} = the first word */
    const char *columns; /* of the table, blank-separated */
    size_t words_min, words_max;
};
extern const struct command cli_commands[];
extern const size_t cli_command_count;

/* The path with {} replaced by the word at `used`, and every flag as a query parameter. */
slice cli_path(struct args *a, const char *path, size_t used);
/* Environment with a default. */
const char *cli_env(const char *name, const char *fallback);
/* "malote: …" on stderr; returns `code`. */
int cli_fail(int code, const char *fmt, ...) PRINTF_LIKE(2, 3);

/* client.c: one call of the API: prints the error and returns an exit code; EXIT_OK with *out (NULL when the answer is no JSON) else. */
int client_do(struct args *a, const char *method, slice path, slice body, json **out);
/* The same with a body that is read from a file as it goes, or an answer that is written to one as it comes. */
struct client_stream {
    FILE *from;   /* NULL: no body */
    int64_t size; /* of the body; -1: not known */
    FILE *to;     /* what is answered with 200; NULL: read as any answer */
};
int client_pass(struct args *a, const char *method, slice path, const struct client_stream *s,
                json **out);
/* Prints a list as a table of the columns, an object as lines; or JSON with --json. */
void client_print(struct args *a, json *v, const char *columns);

/* yaml.c: YAML text to JSON text, ${NAME} replaced from the environment (an unset one is an error; $$ is a $).
 * ERR_SYNTAX with line and column. */
MUST_CHECK enum err yaml_to_json(slice text, const char *name, struct arena *arena, slice *out,
                                 struct why *why);
MUST_CHECK enum err cli_read_file(const char *path, struct arena *arena, slice *out,
                                  struct why *why);

int cli_serve(struct args *a, const struct command *c);
int cli_check(struct args *a, const struct command *c);
int cli_backup(struct args *a, const struct command *c);
int cli_help(struct args *a, const struct command *c);
int cli_campaign(struct args *a, const struct command *c);
int cli_media(struct args *a, const struct command *c);
/* Flags of `message send`. */
#define CLI_MESSAGE_FLAGS                                                                          \
    "to contact group text template language parameters reply-to destination key"
int cli_message(struct args *a, const struct command *c);

#endif
