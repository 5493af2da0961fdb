# SPDX-License-Identifier: Apache-2.0
# For references.sh: which remarks name what is not there. The first file lists what there is; then come headings and remarks.
function report(what) { print file ":" line ": " what }
# A path as seen from the file that names it, without "x/../".
function beside(path,    p) {
  p = folder path
  while (sub(/[^\/]+\/\.\.\//, "", p)) ;
  sub(/^\.\//, "", p)
  return p
}
function found(path) {
  return path in there || ("include/" path) in there || ("tests/" path) in there || beside(path) in there || (path !~ /\// && path in named)
}
function check_name(name) {
  sub(/^\.\//, "", name)
  if (name ~ /\*/ || name in foreign || name ~ /^(yaml|h|c)$/) return
  if (name !~ /\.md$/ && name ~ /[A-Z][A-Z]/) return   # NAME.c stands for any
  if (name ~ /\.yaml$/ && name !~ /^(yaml|tests)\//) return # a user's
  if (!found(name)) report(name)
}
function anchor_of(heading) {
  heading = tolower(heading)
  gsub(/[^a-z0-9 _-]/, "", heading)
  gsub(/ /, "-", heading)
  return heading
}
BEGIN {
  split("mpi.h netcdf.h yaml.h convert_hf_to_gguf.py stages/layers.c", list, " ") # other projects', and what docs have a user write
  for (i in list) foreign[list[i]]
}
FILENAME == ARGV[1] {
  there[$0]
  base = $0
  sub(/.*\//, "", base)
  named[base]
  next
}
$1 == "heading" {
  text = $0
  sub(/^heading [^ ]+ /, "", text)
  count[$2]++
  heading[$2, count[$2]] = text
  anchor[$2, anchor_of(text)]
  next
}
{
  file = $2
  line = $3
  folder = file
  sub(/[^\/]*$/, "", folder)
  text = $0
  sub(/^remark [^ ]+ [0-9]+ ?/, "", text)
  gsub(/ +/, " ", text)

  rest = text
  while (match(rest, /[A-Za-z0-9_.\/*-]*[A-Za-z0-9_*]\.(c|h|def|md|sh|bash|awk|py|cmake|sbatch|yaml)[^A-Za-z0-9_*\/-]/) ||
         match(rest, /[A-Za-z0-9_.\/*-]*[A-Za-z0-9_*]\.(c|h|def|md|sh|bash|awk|py|cmake|sbatch|yaml)$/)) {
    before = substr(rest, 1, RSTART - 1)
    name = substr(rest, RSTART, RLENGTH)
    rest = substr(rest, RSTART + RLENGTH)
    sub(/[^A-Za-z0-9_*]$/, "", name)
    if (name !~ /^\/\// && before !~ /(:\/\/[^ ]*|<)$/) check_name(name)
  }

  rest = text
  while (match(rest, /docs\/[a-z_]+\.md, [A-Z]/)) {
    paper = substr(rest, RSTART, RLENGTH - 3)
    rest = substr(rest, RSTART + RLENGTH - 1)
    ok = 0
    for (i = 1; i <= count[paper]; i++)
      if (index(rest, heading[paper, i]) == 1) ok = 1
    if (!ok && paper in there) report(paper ", " substr(rest, 1, 30))
  }

  rest = text
  while (match(rest, /(\.\.\/)+shared[a-z_\/]*|\/work\/[a-z_\/]+/)) {
    report(substr(rest, RSTART, RLENGTH))
    rest = substr(rest, RSTART + RLENGTH)
  }

  rest = file ~ /\.md$/ ? text : ""
  while (match(rest, /\]\([^)]+\)/)) {
    link = substr(rest, RSTART + 2, RLENGTH - 3)
    rest = substr(rest, RSTART + RLENGTH)
    if (link ~ /^(https?|mailto):/) continue
    target = anchored = link
    sub(/#.*/, "", target)
    if (!sub(/^[^#]*#/, "", anchored)) anchored = ""
    target = target == "" ? file : beside(target)
    if (!(target in there) || (anchored != "" && !((target, anchored) in anchor))) report(link)
  }
}
