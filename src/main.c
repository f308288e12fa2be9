/* main.c: argv to a command. */
#include <stdio.h>
#include <string.h>

#include "cli/cli.h"

static const struct command *find(const char *name)
{
    static const char *const aliases[][2] = {
        { "--help", "help" }, { "-h", "help" }, { "--version", "version" }, { "-V", "version" }
    };
    for (size_t i = 0; i < ARRAY_LEN(aliases); i++)
        if (strcmp(name, aliases[i][0]) == 0) name = aliases[i][1];
    for (size_t i = 0; i < cli_command_count; i++)
        if (strcmp(name, cli_commands[i].name) == 0) return &cli_commands[i];
    return NULL;
}

int main(int argc, char **argv)
{
    struct arena arena;
    struct why why = { .code = OK };
    arena_init(&arena, CLI_ARENA_MAX);
    struct args a = { .arena = &arena };
    const struct command *c = find(argc > 1 ? argv[1] : "help");
    if (!c) return cli_fail(EXIT_USAGE, "unknown command %s; see `malote help`", argv[1]);
    for (int i = 2; i < argc; i++)
        if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0) {
            a.word[0] = c->name;
            a.count = 1;
            return cli_help(&a, c);
        }
    if (argc > 2 && args_read(argc - 2, argv + 2, c->flags, &a, &why) != OK)
        return cli_fail(EXIT_USAGE, "%s; see `malote help %s`", why.text, c->name);
    if (a.count < c->words_min || a.count > c->words_max)
        return cli_fail(EXIT_USAGE, "usage: malote %s", c->usage);
    int code = c->run(&a, c);
    arena_free(&arena);
    return argc > 1 ? code : EXIT_USAGE;
}
