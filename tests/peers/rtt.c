// SPDX-License-Identifier: MIT
/*
 * rtt - how long the smallest packet takes to a host and back: ICMP echoes
 * (RFC 792), each sent when the last one was answered.
 *
 * usage: rtt IPV4-ADDRESS COUNT [FIRST_MS]	prints lines "nic_p50 N" and others (phases.h)
 *
 * Echoes without an answer within a second are counted ("nic_lost N"). No locks; one thread.
 */
#include <arpa/inet.h>
#include <err.h>
#include <netinet/ip.h>
#include <netinet/ip_icmp.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/peers/phases.h"

/* RFC 1071. The header has an even length. */
static uint16_t checksum(const void *data, size_t len)
{
	uint32_t sum = 0;
	uint16_t word;

	for (size_t i = 0; i + sizeof(word) <= len; i += sizeof(word)) {
		memcpy(&word, (const char *)data + i, sizeof(word));
		sum += word;
	}
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)~sum;
}

/* Is this the answer to our echo number `sequence`? */
static bool answers(const uint8_t *packet, size_t len, uint16_t id, uint16_t sequence)
{
	struct icmphdr icmp;
	size_t skip = len ? (size_t)(packet[0] & 0x0f) * 4 : 0;

	if (len < skip + sizeof(icmp))
		return false;
	memcpy(&icmp, packet + skip, sizeof(icmp));
	return icmp.type == ICMP_ECHOREPLY && icmp.un.echo.id == id &&
	       icmp.un.echo.sequence == sequence;
}

struct peer {
	int socket;
	uint16_t sequence; /* of the last echo */
};

/* Nanoseconds; 0: no answer came. */
static uint64_t round_trip(void *ctx)
{
	struct peer *peer = ctx;
	uint16_t sequence = ++peer->sequence;
	uint16_t id = (uint16_t)getpid();
	struct icmphdr echo = { .type = ICMP_ECHO, .un.echo = { .id = id, .sequence = sequence } };
	uint8_t packet[2048];
	uint64_t begin;
	ssize_t len;

	echo.checksum = checksum(&echo, sizeof(echo));
	begin = samples_now();
	if (send(peer->socket, &echo, sizeof(echo), 0) < 0)
		err(1, "send");
	do {
		len = recv(peer->socket, packet, sizeof(packet), 0);
	} while (len > 0 && !answers(packet, (size_t)len, id, sequence));
	return len > 0 ? samples_now() - begin : 0;
}

int main(int argc, char **argv)
{
	struct sockaddr_in to = { .sin_family = AF_INET };
	const struct timeval patience = { .tv_sec = 1 };
	struct peer peer = { 0 };
	struct phases p = { .key = "nic", .sample = round_trip, .ctx = &peer };

	p.count = argc >= 3 ? strtoul(argv[2], NULL, 10) : 0;
	p.first_ms = argc == 4 ? strtoul(argv[3], NULL, 10) : 0;
	if (p.count < 1 || argc > 4 || inet_pton(AF_INET, argv[1], &to.sin_addr) != 1)
		errx(2, "usage: rtt IPV4-ADDRESS COUNT [FIRST_MS]");
	peer.socket = socket(AF_INET, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_ICMP);
	if (peer.socket < 0 ||
	    setsockopt(peer.socket, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience)) < 0 ||
	    connect(peer.socket, (const struct sockaddr *)&to, sizeof(to)) < 0)
		err(1, "%s", argv[1]);
	(void)round_trip(&peer); /* the address is resolved */
	phases_run(&p);
	return close(peer.socket) < 0;
}
