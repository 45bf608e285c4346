// SPDX-License-Identifier: MIT
/*
 * The device tree. It is our VMM's own (vmm/machine/fdt.c wrote it), or one that is run
 * beside it, and so is believed; still nothing is read beyond its end.
 */
#include "lib/fdt.h"

#include "lib/payload.h"

#define MAGIC	   0xd00dfeedu
#define BEGIN_NODE 1u
#define END_NODE   2u
#define PROP	   3u
#define NOP	   4u

/* Words of the header. */
#define HEADER_STRUCT  2u
#define HEADER_STRINGS 3u
#define HEADER_SZ      9u

static uint32_t be32(uint64_t at)
{
	return __builtin_bswap32(*(const volatile uint32_t *)at);
}

static uint32_t header(uint64_t fdt, unsigned word)
{
	return be32(fdt + 4u * word);
}

/* Does s begin with prefix? Then what follows, else NULL. */
static const char *after(const char *s, const char *prefix)
{
	for (; *prefix; s++, prefix++)
		if (*s != *prefix)
			return NULL;
	return s;
}

static size_t length(const char *s)
{
	size_t n = 0;

	while (s[n])
		n++;
	return n;
}

static uint64_t word_up(uint64_t at)
{
	return (at + 3) & ~UINT64_C(3);
}

static bool same(const char *a, const char *b)
{
	const char *rest = after(a, b);

	return rest && !*rest;
}

/* Is it among the strings that lie one behind the other there? */
static bool among(const char *list, uint32_t len, const char *s)
{
	for (const char *at = list; at < list + len; at += length(at) + 1)
		if (same(at, s))
			return true;
	return false;
}

/* A property, when a walk is behind its token. */
struct property {
	const char *name, *value;
	uint32_t len;
};

static struct property property_at(uint64_t fdt, uint64_t at)
{
	return (struct property){
		.name = (const char *)fdt + header(fdt, HEADER_STRINGS) + be32(at + 4),
		.value = (const char *)at + 8,
		.len = be32(at),
	};
}

static uint64_t behind(const struct property *p)
{
	return word_up((uint64_t)p->value + p->len);
}

/* A node right below the root whose name begins so, or one anywhere that is compatible. */
static uint64_t find_node(uint64_t fdt, const char *name, const char *compatible)
{
	uint64_t at = fdt + header(fdt, HEADER_STRUCT), node = 0;
	uint64_t end = at + header(fdt, HEADER_SZ);
	unsigned depth = 0;

	CHECK(header(fdt, 0) == MAGIC, "no device tree");
	while (at < end) {
		uint32_t token = be32(at);
		const char *text = (const char *)at + 4;

		at += 4;
		if (token == BEGIN_NODE) {
			/* Its properties come before its children. */
			node = at = word_up(at + length(text) + 1);
			if (++depth == 2 && name && after(text, name))
				return node;
		} else if (token == END_NODE) {
			depth--;
		} else if (token == PROP) {
			struct property p = property_at(fdt, at);

			if (compatible && same(p.name, "compatible") &&
			    among(p.value, p.len, compatible))
				return node;
			at = behind(&p);
		} else if (token != NOP) {
			break;
		}
	}
	return 0;
}

/* A property of a node; without a value, there is none. */
static struct property find_property(uint64_t fdt, uint64_t node, const char *name)
{
	while (node && (be32(node) == PROP || be32(node) == NOP)) {
		struct property p;

		node += 4;
		if (be32(node - 4) == NOP)
			continue;
		p = property_at(fdt, node);
		if (same(p.name, name))
			return p;
		node = behind(&p);
	}
	return (struct property){ 0 };
}

uint64_t fdt_child(uint64_t fdt, const char *name)
{
	return find_node(fdt, name, NULL);
}

uint64_t fdt_compatible(uint64_t fdt, const char *compatible)
{
	return find_node(fdt, NULL, compatible);
}

struct fdt_cells fdt_cells(uint64_t fdt, uint64_t node, const char *name)
{
	struct property p = find_property(fdt, node, name);

	return (struct fdt_cells){ (uint64_t)p.value, p.len / 4 };
}

uint32_t fdt_cell(const struct fdt_cells *cells, unsigned n)
{
	CHECK(n < cells->nr, "a property of the device tree has %u cells", cells->nr);
	return be32(cells->at + 4u * n);
}

uint64_t fdt_cell64(const struct fdt_cells *cells, unsigned n)
{
	return (uint64_t)fdt_cell(cells, n) << 32 | fdt_cell(cells, n + 1);
}

const char *fdt_cmdline(uint64_t fdt)
{
	struct property p = find_property(fdt, fdt_child(fdt, "chosen"), "bootargs");

	return p.value ? p.value : "";
}

/* ---- the command line ------------------------------------------------------ */

/* What follows KEY= in the word that begins with it; NULL: no word does. */
static const char *find_word(uint64_t fdt, const char *key)
{
	const char *word = fdt_cmdline(fdt);

	while (*word) {
		const char *value = after(word, key);

		if (value && *value == '=')
			return value + 1;
		while (*word && *word != ' ')
			word++;
		while (*word == ' ')
			word++;
	}
	return NULL;
}

bool fdt_word(uint64_t fdt, const char *key, char *ret_value, unsigned cap)
{
	const char *value = find_word(fdt, key);
	unsigned n = 0;

	if (!value)
		return false;
	for (; value[n] && value[n] != ' '; n++) {
		CHECK(n + 1 < cap, "%s= is too long", key);
		ret_value[n] = value[n];
	}
	ret_value[n] = '\0';
	return true;
}

uint64_t fdt_number(uint64_t fdt, const char *key, uint64_t otherwise)
{
	const char *value = find_word(fdt, key);
	uint64_t number = 0;

	if (!value)
		return otherwise;
	CHECK(*value >= '0' && *value <= '9', "%s= is no number", key);
	for (; *value >= '0' && *value <= '9'; value++)
		number = number * 10 + (uint64_t)(*value - '0');
	CHECK(!*value || *value == ' ', "%s= is no number", key);
	return number;
}
