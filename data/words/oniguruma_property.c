// SPDX-License-Identifier: Apache-2.0
// The sets of characters that have names are written out, as those of the same name differ: \p{Han}
// is PCRE2's script extensions, \s its white space of Unicode 6, [:punct:] its own; and names of
// several words are unknown to it.
#include "data/words/oniguruma_property.h"

#include <ctype.h>
#include <string.h>

#define SPACE                                                                                      \
    "\\x{9}-\\x{d}\\x{20}\\x{85}\\x{a0}\\x{1680}\\x{2000}-\\x{200a}\\x{2028}\\x{2029}\\x{202f}"    \
    "\\x{205f}\\x{3000}"
#define WORD  "\\p{Alphabetic}\\p{M}\\p{Nd}\\p{Pc}"
#define GRAPH "\\p{L}\\p{M}\\p{N}\\p{P}\\p{S}\\p{Cf}\\p{Co}"

// Names of properties, without "_", "-", spaces and capitals, and what they are as items.
static const struct {
    const char *name, *items;
} properties[] = {
    {"any", "\\x{0}-\\x{10ffff}"},
    {"ascii", "\\x{0}-\\x{7f}"},
    {"alnum", "\\p{Alphabetic}\\p{Nd}"},
    {"alpha", "\\p{Alphabetic}"},
    {"blank", "\\x{9}\\p{Zs}"},
    {"cntrl", "\\p{Cc}"},
    {"digit", "\\p{Nd}"},
    {"graph", GRAPH},
    {"lower", "\\p{Lowercase}"},
    {"print", GRAPH "\\p{Zs}"},
    {"punct", "\\p{P}"},
    {"space", SPACE},
    {"upper", "\\p{Uppercase}"},
    {"word", WORD "\\x{b2}\\x{b3}\\x{b9}\\x{bc}-\\x{be}"},
    {"xdigit", "0-9A-Fa-f"},
    {"alphabetic", "\\p{Alphabetic}"},
    {"lowercase", "\\p{Lowercase}"},
    {"uppercase", "\\p{Uppercase}"},
    {"whitespace", SPACE},
    {"emoji", "\\p{Emoji}"},
    {"emojipresentation", "\\p{Emoji_Presentation}"},
    {"emojimodifier", "\\p{Emoji_Modifier}"},
    {"emojimodifierbase", "\\p{Emoji_Modifier_Base}"},
    {"extendedpictographic", "\\p{Extended_Pictographic}"},
    {"ideographic", "\\p{Ideographic}"},
    {"lc", "\\p{Lu}\\p{Ll}\\p{Lt}"},
    {"casedletter", "\\p{Lu}\\p{Ll}\\p{Lt}"},
    {"c", "\\p{C}"},
    {"other", "\\p{C}"},
    {"cc", "\\p{Cc}"},
    {"control", "\\p{Cc}"},
    {"cf", "\\p{Cf}"},
    {"format", "\\p{Cf}"},
    {"cn", "\\p{Cn}"},
    {"unassigned", "\\p{Cn}"},
    {"co", "\\p{Co}"},
    {"privateuse", "\\p{Co}"},
    {"cs", "\\p{Cs}"},
    {"surrogate", "\\p{Cs}"},
    {"l", "\\p{L}"},
    {"letter", "\\p{L}"},
    {"ll", "\\p{Ll}"},
    {"lowercaseletter", "\\p{Ll}"},
    {"lm", "\\p{Lm}"},
    {"modifierletter", "\\p{Lm}"},
    {"lo", "\\p{Lo}"},
    {"otherletter", "\\p{Lo}"},
    {"lt", "\\p{Lt}"},
    {"titlecaseletter", "\\p{Lt}"},
    {"lu", "\\p{Lu}"},
    {"uppercaseletter", "\\p{Lu}"},
    {"m", "\\p{M}"},
    {"mark", "\\p{M}"},
    {"combiningmark", "\\p{M}"},
    {"mc", "\\p{Mc}"},
    {"spacingmark", "\\p{Mc}"},
    {"me", "\\p{Me}"},
    {"enclosingmark", "\\p{Me}"},
    {"mn", "\\p{Mn}"},
    {"nonspacingmark", "\\p{Mn}"},
    {"n", "\\p{N}"},
    {"number", "\\p{N}"},
    {"nd", "\\p{Nd}"},
    {"decimalnumber", "\\p{Nd}"},
    {"nl", "\\p{Nl}"},
    {"letternumber", "\\p{Nl}"},
    {"no", "\\p{No}"},
    {"othernumber", "\\p{No}"},
    {"p", "\\p{P}"},
    {"punctuation", "\\p{P}"},
    {"pc", "\\p{Pc}"},
    {"connectorpunctuation", "\\p{Pc}"},
    {"pd", "\\p{Pd}"},
    {"dashpunctuation", "\\p{Pd}"},
    {"pe", "\\p{Pe}"},
    {"closepunctuation", "\\p{Pe}"},
    {"pf", "\\p{Pf}"},
    {"finalpunctuation", "\\p{Pf}"},
    {"pi", "\\p{Pi}"},
    {"initialpunctuation", "\\p{Pi}"},
    {"po", "\\p{Po}"},
    {"otherpunctuation", "\\p{Po}"},
    {"ps", "\\p{Ps}"},
    {"openpunctuation", "\\p{Ps}"},
    {"s", "\\p{S}"},
    {"symbol", "\\p{S}"},
    {"sc", "\\p{Sc}"},
    {"currencysymbol", "\\p{Sc}"},
    {"sk", "\\p{Sk}"},
    {"modifiersymbol", "\\p{Sk}"},
    {"sm", "\\p{Sm}"},
    {"mathsymbol", "\\p{Sm}"},
    {"so", "\\p{So}"},
    {"othersymbol", "\\p{So}"},
    {"z", "\\p{Z}"},
    {"separator", "\\p{Z}"},
    {"zl", "\\p{Zl}"},
    {"lineseparator", "\\p{Zl}"},
    {"zp", "\\p{Zp}"},
    {"paragraphseparator", "\\p{Zp}"},
    {"zs", "\\p{Zs}"},
    {"spaceseparator", "\\p{Zs}"},
};

// Unknown names are scripts, of which PCRE2 knows all.
void onig_property(const char *name, text *items)
{
    char plain[ONIG_NAME + 1];
    size_t length = 0;
    for (const char *c = name; *c && length < ONIG_NAME; c++)
        if (!strchr(" _-", *c))
            plain[length++] = (char)tolower((unsigned char)*c);
    plain[length] = 0;
    for (size_t i = 0; i < sizeof properties / sizeof *properties; i++)
        if (strcmp(properties[i].name, plain) == 0) {
            text_add(items, properties[i].items);
            return;
        }
    text_addf(items, "\\p{sc:%s}", plain);
}

void onig_posix(const char *name, text *items)
{
    if (strcmp(name, "punct") == 0)
        text_add(items, "\\p{P}\\p{S}");
    else if (strcmp(name, "word") == 0)
        text_add(items, WORD);
    else
        onig_property(name, items);
}
