# SPDX-License-Identifier: Apache-2.0
# For graph in rule.bash: which file uses which. Reads
#   file FILE                    what there is, first
#   text FILE NAME               FILE says #include "NAME"
#   symbol FILE ADDRESS T NAME   of nm: FILE's object defines NAME;  symbol FILE U NAME: it refers to it
$1 == "file" { there[$2] }
$1 == "text" {
  folder = $2
  sub(/[^\/]*$/, "", folder)
  if (("include/" $3) in there) print "include", $2, "include/" $3
  else if ($3 in there) print "include", $2, $3
  else if ((folder $3) in there) print "include", $2, folder $3
}
$1 == "symbol" && $3 == "U" { wanted[$2, $4] }
$1 == "symbol" && $4 ~ /^[TDBRVWi]$/ { defined[$5] = $2 }
END {
  for (pair in wanted) {
    split(pair, part, SUBSEP)
    if (part[2] in defined && defined[part[2]] != part[1]) print "call", part[1], defined[part[2]], part[2]
  }
}
