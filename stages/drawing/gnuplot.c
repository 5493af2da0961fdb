// SPDX-License-Identifier: Apache-2.0
// gnuplot is a program, not a library: it is started as a child, in the report's folder, without a
// shell, so that no name in a path is ever interpreted. What it says is read to its end, for a
// child that cannot write would not end. It does not say that a disk was full: so its pictures are
// looked at for their ends.
#include "stages/drawing/gnuplot.h"

#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "pipeline/base/file.h"
#include "stages/drawing/markup.h"

extern char **environ;

// Widths of one and of two columns of a paper, in inches: 85 and 178 mm.
static const double column_inches[] = {0, 3.35, 7.0};
enum { CSS_PIXELS = 96, USUAL_DPI = 192 };

// Cairo's fonts are in points of 1/72 inch and PNG's pixels 1/96 inch: 0.75 makes letters as large
// as those of the SVG, whose sizes are pixels.
#define POINTS 0.75

void gnuplot_begin(picture *out, double width, double height)
{
    text *script = &out->script;
    const char *stem = out->stem;
    const double inches = out->columns ? column_inches[out->columns] : width / CSS_PIXELS;
    const double tall = inches * height / width, dpi = out->dpi ? out->dpi : USUAL_DPI;
    const double png = inches * dpi / width, pdf = inches * CSS_PIXELS / width;
    text name = {0};
    out->width = width;
    text_addf(script, "# gnuplot %s.gp draws %s.svg, .png and .pdf from %s.csv\n", stem, stem,
              stem);
    text_add(script, "set encoding utf8\nset datafile separator comma\nset border lw 0.8\n"
                     "data = ");
    text_addf(&name, "%s.csv", stem);
    markup_gnuplot(script, text_get(&name));
    script->failed |= name.failed;
    text_free(&name);
    text_addf(script,
              "\ndo for [kind in 'svg png pdf'] {\n"
              "if (kind eq 'svg') { set terminal svg size %.0f,%.0f font 'sans-serif,12' "
              "background '#ffffff' }\n"
              "if (kind eq 'png') { set terminal pngcairo size %.0f,%.0f font 'sans,12' "
              "fontscale %.4f linewidth %.4f pointscale %.4f background '#ffffff' }\n"
              "if (kind eq 'pdf') { set terminal pdfcairo size %.4fin,%.4fin font 'sans,12' "
              "fontscale %.4f linewidth %.4f pointscale %.4f background '#ffffff' }\n"
              "set output data[1:strlen(data)-3].kind\n"
              "set multiplot\n",
              width, height, inches * dpi, tall * dpi, POINTS * png, png, png, inches, tall,
              POINTS * pdf, POINTS * pdf, POINTS * pdf);
}

void gnuplot_end(text *script)
{
    text_add(script, "unset multiplot\nunset output\n}\n");
}

void gnuplot_place(text *script, double width, double height, double left, double top, double right,
                   double bottom)
{
    text_addf(script,
              "set lmargin at screen %.6f; set rmargin at screen %.6f; "
              "set tmargin at screen %.6f; set bmargin at screen %.6f\n",
              left / width, right / width, 1 - top / height, 1 - bottom / height);
}

// Runs gnuplot in `folder`; *said gets the beginning of what it printed, on one line. *code is its
// exit code, or -1 when it could not be started.
static status spawn_gnuplot(const char *folder, char *const arguments[], int *code, char said[512])
{
    status st = OK;
    int pipe_ends[2] = {-1, -1};
    pid_t child;
    size_t n = 0;
    ssize_t got;
    char rest[512];
    *code = -1;
    said[0] = 0;
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    if (pipe2(pipe_ends, O_CLOEXEC))
        TRY(status_fail_errno(ERR_IO, "gnuplot", "cannot open a pipe"));
    posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_adddup2(&actions, pipe_ends[1], STDOUT_FILENO);
    posix_spawn_file_actions_adddup2(&actions, pipe_ends[1], STDERR_FILENO);
    posix_spawn_file_actions_addchdir_np(&actions, folder);
    int failed = posix_spawnp(&child, "gnuplot", &actions, NULL, arguments, environ);
    close(pipe_ends[1]);
    pipe_ends[1] = -1;
    if (failed)
        goto done;
    while ((got = read(pipe_ends[0], rest, sizeof rest)) > 0 || (got < 0 && errno == EINTR))
        for (ssize_t i = 0; i < got && n < 511; i++) // drained to its end, kept to 511 bytes
            said[n++] = (unsigned char)rest[i] < 0x20 ? ' ' : rest[i];
    said[n] = 0;
    int ended = 0;
    while (waitpid(child, &ended, 0) < 0)
        if (errno != EINTR)
            TRY(status_fail_errno(ERR_IO, "gnuplot", "cannot wait for it"));
    *code = WIFEXITED(ended) ? WEXITSTATUS(ended) : 1;
done:
    for (int i = 0; i < 2; i++)
        if (pipe_ends[i] >= 0)
            close(pipe_ends[i]);
    posix_spawn_file_actions_destroy(&actions);
    return st;
}

bool gnuplot_present(void)
{
    int code;
    char said[512];
    char *const arguments[] = {"gnuplot", "-d", "-e",
                               "set terminal svg; set terminal pngcairo; set terminal pdfcairo",
                               NULL};
    return spawn_gnuplot(".", arguments, &code, said) == OK && code == 0;
}

// Does the picture end as it must?
static status check_whole(const char *folder, const char *stem, const char *kind,
                          const char *ending)
{
    enum { LARGEST = 1 << 30 };
    status st;
    char *bytes = NULL, *path = text_format("%s/%s.%s", folder, stem, kind);
    const size_t n = strlen(ending);
    size_t size;
    if (!path)
        TRY(status_no_memory("a picture's name"));
    TRY(file_read(path, LARGEST, &bytes, &size));
    while (size > 0 && bytes[size - 1] == '\n')
        size--;
    if (size < n || memcmp(bytes + size - n, ending, n) != 0)
        st = status_fail(ERR_IO, path,
                         "gnuplot could not write all of it; free some space or "
                         "quota, or raise `ulimit -f`");
done:
    free(bytes);
    free(path);
    return st;
}

// A picture of cells that gnuplot wrote as an image shows them as squares, not washed out.
static status sharpen(const char *folder, const char *stem)
{
    static const char image[] = "<image ", sharp[] = "<image style='image-rendering:pixelated' ";
    enum { LARGEST = 1 << 30 };
    status st;
    text out = {0};
    char *bytes = NULL, *path = text_format("%s/%s.svg", folder, stem);
    size_t size;
    if (!path)
        TRY(status_no_memory("a picture's name"));
    TRY(file_read(path, LARGEST, &bytes, &size));
    if (!strstr(bytes, image))
        goto done;
    for (const char *s = bytes, *next; *s; s = next) {
        next = strstr(s, image);
        text_add_bytes(&out, s, next ? (size_t)(next - s) : strlen(s));
        text_add(&out, next ? sharp : "");
        next = next ? next + strlen(image) : s + strlen(s);
    }
    st = out.failed ? status_no_memory("a picture")
                    : file_write_atomic(path, text_get(&out), out.length);
done:
    text_free(&out);
    free(bytes);
    free(path);
    return st;
}

status gnuplot_run(const char *folder, const char *stem)
{
    status st = OK;
    int code;
    char said[512], *script = text_format("%s.gp", stem);
    if (!script)
        TRY(status_no_memory("a script's name"));
    char *const arguments[] = {"gnuplot", "-d", script, NULL};
    TRY(spawn_gnuplot(folder, arguments, &code, said));
    if (code != 0)
        TRY(status_fail(ERR_IO, "gnuplot", "failed on %s/%s: %s; run it there to see why", folder,
                        script, said));
    TRY(check_whole(folder, stem, "svg", "</svg>"));
    TRY(check_whole(folder, stem, "png", "IEND\xae\x42\x60\x82"));
    TRY(check_whole(folder, stem, "pdf", "%%EOF"));
    TRY(sharpen(folder, stem));
done:
    free(script);
    return st;
}
