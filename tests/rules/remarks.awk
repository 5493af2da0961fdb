# SPDX-License-Identifier: Apache-2.0
# The comments of sources, one paragraph of them a line: remark FILE LINE TEXT. MARK is what begins one.
function flush_remark() {
  if (text != "") print "remark", file, line, text
  text = ""
}
FNR == 1 { flush_remark(); file = FILENAME }
{
  at = index($0, mark)
  if (at == 0 || substr($0, at - 1, 1) == ":") { flush_remark(); next } # "https://" begins no comment
  own = substr($0, 1, at - 1) ~ /^ *$/
  if (!own) flush_remark()
  if (text == "") line = FNR
  text = text " " substr($0, at + length(mark))
  if (!own) flush_remark()
}
END { flush_remark() }
