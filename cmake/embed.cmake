# SPDX-License-Identifier: Apache-2.0
# cmake -DSOURCE=FILE -DLIST=FILE -P embed.cmake: a file's bytes as the inside of a C array, with a zero behind.
file(READ ${SOURCE} hex HEX)
string(REGEX REPLACE "(................................)" "\\1\n" hex "${hex}")
string(REGEX REPLACE "([0-9a-f][0-9a-f])" "0x\\1," bytes "${hex}")
file(WRITE ${LIST} "${bytes}0\n")
