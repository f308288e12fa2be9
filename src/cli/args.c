/* args.c: command lines. */
#include "cli/cli.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

const char *cli_env(const char *name, const char *fallback)
{
    const char *v = getenv(name);
    return v && *v ? v : fallback;
}

int cli_fail(int code, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    fputs("malote: ", stderr);
    (void)vfprintf(stderr, fmt, args);
    fputc('\n', stderr);
    va_end(args);
    return code;
}

/* 0 unknown, 1 takes a value, 2 a switch. */
static int flag_kind(const char *flags, slice name)
{
    slice rest = slice_str(flags), item;
    while (flags && slice_cut(&rest, ' ', &item)) {
        bool is_switch = slice_ends(item, SLICE("!"));
        if (slice_eq(is_switch ? slice_sub(item, 0, item.len - 1) : item, name))
            return is_switch ? 2 : 1;
    }
    return 0;
}

enum err args_read(int argc, char **argv, const char *flags, struct args *out, struct why *why)
{
    for (int i = 0; i < argc; i++) {
        slice arg = slice_str(argv[i]);
        bool letter = arg.len == 2 && arg.ptr[0] == '-' && flag_kind(flags, slice_sub(arg, 1, 2));
        if (!letter && (!slice_starts(arg, SLICE("--")) || arg.len == 2)) {
            if (out->count == CLI_ARGS_MAX) return why_set(why, ERR_LIMIT, "too many arguments");
            out->word[out->count++] = argv[i];
            continue;
        }
        size_t eq = slice_find(arg, '=');
        slice name = slice_sub(arg, letter ? 1 : 2, eq), value = { NULL, 0 };
        if (slice_eq(name, SLICE("json"))) {
            out->json = true;
            continue;
        }
        int kind = flag_kind(flags, name);
        if (kind == 0) return why_set(why, ERR_SYNTAX, "unknown flag --%.*s", SLICE_ARG(name));
        if (out->flag_count == CLI_FLAGS_MAX) return why_set(why, ERR_LIMIT, "too many flags");
        if (kind == 2)
            value = slice_of("", 0);
        else if (eq < arg.len)
            value = slice_sub(arg, eq + 1, arg.len);
        else if (i + 1 < argc)
            value = slice_str(argv[++i]);
        else
            return why_set(why, ERR_SYNTAX, "%s%.*s needs a value", letter ? "-" : "--",
                           SLICE_ARG(name));
        out->flag[out->flag_count].name = name;
        out->flag[out->flag_count++].value = value;
    }
    return OK;
}

slice args_flag(const struct args *a, const char *name)
{
    for (size_t i = 0; i < a->flag_count; i++)
        if (slice_eq(a->flag[i].name, slice_str(name))) return a->flag[i].value;
    return (slice){ NULL, 0 };
}

bool args_only(const struct args *a, const char *flags)
{
    for (size_t i = 0; i < a->flag_count; i++)
        if (!flag_kind(flags, a->flag[i].name)) return false;
    return true;
}

bool args_has(const struct args *a, const char *name) { return args_flag(a, name).ptr != NULL; }
