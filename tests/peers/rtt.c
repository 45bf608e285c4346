// SPDX-License-Identifier: MIT
/*
 * rtt - how long the smallest packet takes to a host and back: ICMP echoes
 * (RFC 792), each sent when the last one was answered.
 *
 * usage: rtt IPV4-ADDRESS COUNT	prints lines "nic_p50 N" and others (samples.h)
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

#include "tests/peers/samples.h"

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

/* Nanoseconds; 0: no answer came. */
static uint64_t round_trip(int s, uint16_t sequence)
{
	uint16_t id = (uint16_t)getpid();
	struct icmphdr echo = { .type = ICMP_ECHO, .un.echo = { .id = id, .sequence = sequence } };
	uint8_t packet[2048];
	uint64_t begin;
	ssize_t len;

	echo.checksum = checksum(&echo, sizeof(echo));
	begin = samples_now();
	if (send(s, &echo, sizeof(echo), 0) < 0)
		err(1, "send");
	do {
		len = recv(s, packet, sizeof(packet), 0);
	} while (len > 0 && !answers(packet, (size_t)len, id, sequence));
	return len > 0 ? samples_now() - begin : 0;
}

int main(int argc, char **argv)
{
	size_t count = argc == 3 ? strtoul(argv[2], NULL, 10) : 0, nr = 0;
	struct sockaddr_in to = { .sin_family = AF_INET };
	const struct timeval patience = { .tv_sec = 1 };
	uint64_t *samples;
	int s;

	if (count < 1 || inet_pton(AF_INET, argv[1], &to.sin_addr) != 1)
		errx(2, "usage: rtt IPV4-ADDRESS COUNT");
	s = socket(AF_INET, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_ICMP);
	if (s < 0 || setsockopt(s, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience)) < 0 ||
	    connect(s, (const struct sockaddr *)&to, sizeof(to)) < 0)
		err(1, "%s", argv[1]);
	samples = calloc(count, sizeof(*samples));
	if (!samples)
		err(1, "memory");
	(void)round_trip(s, 0); /* the address is resolved */
	for (size_t i = 0; i < count; i++) {
		samples[nr] = round_trip(s, (uint16_t)(i + 1));
		nr += samples[nr] != 0;
	}
	(void)printf("nic_lost %zu\n", count - nr);
	if (!nr)
		errx(1, "no answer from %s", argv[1]);
	samples_print("nic", samples, nr);
	free(samples);
	return close(s) < 0;
}
