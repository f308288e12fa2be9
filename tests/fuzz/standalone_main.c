/* standalone_main.c: runs a fuzz target over every file of the folders given, and over
 * beginnings of each, so that every build and every compiler checks the corpora. Inputs are
 * copied to blocks of their exact size: the sanitizer sees one byte too many. */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"

enum { PATH_BYTES = 4096, BEGINNINGS = 64 };

static void run(const uint8_t *bytes, size_t size)
{
    uint8_t *exact = malloc(size ? size : 1);
    CHECK(exact);
    if (size) memcpy(exact, bytes, size);
    LLVMFuzzerTestOneInput(exact, size);
    free(exact);
}

static void run_file(const char *path)
{
    FILE *f = fopen(path, "rb");
    CHECK(f);
    CHECK(fseek(f, 0, SEEK_END) == 0);
    size_t size = (size_t)ftell(f);
    rewind(f);
    uint8_t *bytes = malloc(size ? size : 1);
    CHECK(bytes && fread(bytes, 1, size, f) == size);
    fclose(f);
    for (size_t i = 0; i < BEGINNINGS; i++) run(bytes, size * i / BEGINNINGS);
    run(bytes, size);
    free(bytes);
}

int main(int argc, char **argv)
{
    size_t count = 0;
    for (int i = 1; i < argc; i++) {
        DIR *dir = opendir(argv[i]);
        if (!dir) fprintf(stderr, "no folder %s\n", argv[i]);
        CHECK(dir);
        for (struct dirent *entry; (entry = readdir(dir));) {
            char path[PATH_BYTES];
            if (entry->d_name[0] == '.') continue;
            snprintf(path, sizeof path, "%s/%s", argv[i], entry->d_name);
            run_file(path);
            count++;
        }
        closedir(dir);
    }
    printf("%zu inputs\n", count);
    return count > 0 ? 0 : 1;
}
