/* media.c: `malote media`: files of messages listed, shown, fetched again, uploaded from and downloaded to the disk, piece by piece. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mime.h"
#include "base/text.h"
#include "cli/cli.h"

static int answer(struct args *a, const char *method, slice path, const char *columns)
{
    json *v = NULL;
    bool post = strcmp(method, "POST") == 0;
    int rc = client_do(a, method, path, post ? SLICE("{}") : (slice){ NULL, 0 }, &v);
    if (rc == EXIT_OK) client_print(a, v, columns);
    return rc;
}

/* ---- upload ---- */

static slice name_of(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slice_str(slash ? slash + 1 : path);
}

/* It becomes a header's line. */
static bool is_one_line(slice text)
{
    for (size_t i = 0; i < text.len; i++)
        if ((unsigned char)text.ptr[i] < ' ') return false;
    return text.len > 0;
}

static int send_file(struct args *a, struct client_stream *s, slice type, slice name)
{
    json *v = NULL;
    slice path = SLICE("/api/media");
    if (name.len > 0)
        path = arena_printf(a->arena, "/api/media?filename=%.*s",
                            SLICE_ARG(text_url_encode(name, a->arena)));
    a->type = arena_dup(a->arena, type).ptr;
    int rc = client_pass(a, "POST", path, s, &v);
    if (rc == EXIT_OK) client_print(a, v, NULL);
    return rc;
}

static int upload(struct args *a)
{
    struct stat st;
    const char *file = a->word[1];
    bool is_stdin = strcmp(file, "-") == 0;
    slice type = args_flag(a, "type"), name = args_flag(a, "filename");
    if (!name.ptr && !is_stdin) name = name_of(file);
    if (!type.ptr) type = mime_of_name(is_stdin ? name : slice_str(file));
    struct client_stream s = { .from = is_stdin ? stdin : fopen(file, "rb"), .size = -1 };
    if (!s.from) return cli_fail(EXIT_FAILED, "cannot read %s: %s", file, strerror(errno));
    int rc = EXIT_OK;
    if (!is_one_line(type))
        rc = cli_fail(EXIT_USAGE, "say what %s is: --type image/jpeg", file);
    else if (fstat(fileno(s.from), &st) != 0 || S_ISDIR(st.st_mode))
        rc = cli_fail(EXIT_FAILED, "%s is no file", file);
    else if (S_ISREG(st.st_mode) && !is_stdin)
        s.size = st.st_size;
    if (rc == EXIT_OK) rc = send_file(a, &s, type, name);
    if (!is_stdin) fclose(s.from);
    return rc;
}

/* ---- download ---- */

static int to_stdout(struct args *a, slice path)
{
    json *v = NULL;
    struct client_stream s = { .to = stdout };
    if (isatty(STDOUT_FILENO))
        return cli_fail(EXIT_USAGE, "this is a terminal: name a file with -o FILE");
    int rc = client_pass(a, "GET", path, &s, &v);
    if (fflush(stdout) != 0 && rc == EXIT_OK)
        rc = cli_fail(EXIT_FAILED, "cannot write: %s", strerror(errno));
    return rc;
}

/* Whole, on disk, and only then under its name: nobody takes the half of a file for all of it. */
static int keep(FILE *f, const char *draft, const char *name, bool force)
{
    bool good = fflush(f) == 0 && fsync(fileno(f)) == 0;
    if (fclose(f) != 0 || !good)
        return cli_fail(EXIT_FAILED, "cannot write %s: %s", name, strerror(errno));
    if (!force && link(draft, name) == 0) return EXIT_OK; /* never over one that has come since */
    if (!force && errno == EEXIST) return cli_fail(EXIT_FAILED, "%s has come to be there", name);
    if (rename(draft, name) == 0) return EXIT_OK;
    return cli_fail(EXIT_FAILED, "cannot make %s: %s", name, strerror(errno));
}

static int to_file(struct args *a, slice path, slice to)
{
    struct stat st;
    json *v = NULL;
    bool force = args_has(a, "force");
    const char *name = arena_dup(a->arena, to).ptr;
    char *draft = (char *)(uintptr_t)arena_printf(a->arena, "%s.XXXXXX", name).ptr;
    if (lstat(name, &st) == 0) {
        if (!S_ISREG(st.st_mode)) return cli_fail(EXIT_FAILED, "%s is there and no file", name);
        if (!force)
            return cli_fail(EXIT_FAILED, "%s is there already; --force writes over it", name);
    }
    int fd = mkstemp(draft); /* its owner's alone: it is personal data */
    FILE *f = fd >= 0 ? fdopen(fd, "wb") : NULL;
    if (!f) return cli_fail(EXIT_FAILED, "cannot write %s: %s", name, strerror(errno));
    struct client_stream s = { .to = f };
    int rc = client_pass(a, "GET", path, &s, &v);
    if (rc == EXIT_OK)
        rc = keep(f, draft, name, force);
    else
        fclose(f);
    (void)unlink(draft);
    return rc;
}

static int download(struct args *a)
{
    slice to = args_flag(a, "o");
    slice path = arena_printf(a->arena, "/api/media/%.*s",
                              SLICE_ARG(text_url_encode(slice_str(a->word[1]), a->arena)));
    return to.len == 0 || slice_eq(to, SLICE("-")) ? to_stdout(a, path) : to_file(a, path, to);
}

/* ---- the command ---- */

int cli_media(struct args *a, const struct command *c)
{
    slice verb = slice_str(a->count > 0 ? a->word[0] : "list");
    bool two = a->count == 2;
    if (slice_eq(verb, SLICE("list")) && !two && args_only(a, "state limit cursor"))
        return answer(a, "GET", cli_path(a, c->path, a->count), c->columns);
    if (slice_eq(verb, SLICE("show")) && two && args_only(a, ""))
        return answer(a, "GET", cli_path(a, "/api/media/{}/info", 1), NULL);
    if (slice_eq(verb, SLICE("retry")) && two && args_only(a, ""))
        return answer(a, "POST", cli_path(a, "/api/media/{}/retry", 1), NULL);
    if (slice_eq(verb, SLICE("upload")) && two && args_only(a, "type filename")) return upload(a);
    if (slice_eq(verb, SLICE("download")) && two && args_only(a, "o force!")) return download(a);
    if (slice_starts(verb, SLICE("med_")) && !two && args_only(a, ""))
        return answer(a, "GET", cli_path(a, "/api/media/{}/info", 0), NULL);
    return cli_fail(EXIT_USAGE, "usage: malote %s", c->usage);
}
