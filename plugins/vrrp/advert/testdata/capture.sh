#!/bin/bash
# Captures the adverts in this folder: two of each kind, from keepalived 2.2.7 (Debian 12) in a network namespace of its own.
# As root; needs keepalived, tcpdump, iproute2. Each line of a .hex file is a packet from its IP header on.
set -u
cd "$(dirname "$0")"
work=$(mktemp -d)

capture() { # NAME, the instance's own lines, its addresses
	local name=$1 a=advert-a-$$-$1 b=advert-b-$$-$1 sniffer keepalived
	ip netns add "$a"
	ip netns add "$b"
	ip link add e0 netns "$a" address 02:00:00:00:00:01 type veth peer name e0 netns "$b"
	ip -n "$a" link set lo up
	ip -n "$a" link set e0 up
	ip -n "$b" link set e0 up
	ip -n "$a" addr add 192.0.2.1/24 dev e0
	ip -n "$b" addr add 192.0.2.2/24 dev e0
	sleep 2 # duplicate address detection of the link-local address
	cat >"$work/$name.conf" <<-CONF
		vrrp_instance V {
		  interface e0
		  virtual_router_id 51
		  priority 150
		  $2
		  virtual_ipaddress {
		    $3
		  }
		}
	CONF
	ip netns exec "$b" timeout 9 tcpdump -q -U -i e0 -c 2 -w "$work/$name.pcap" 'ip proto 112 or ip proto 51 or ip6 proto 112' 2>/dev/null &
	sniffer=$!
	ip netns exec "$a" keepalived -P -n -l -f "$work/$name.conf" -p "$work/$name.pid" -r "$work/$name.vrrp" >/dev/null 2>&1 &
	keepalived=$!
	wait $sniffer
	kill $keepalived
	wait $keepalived
	ip netns del "$a"
	ip netns del "$b"
	tcpdump -nn -x -r "$work/$name.pcap" 2>/dev/null | awk '
		/^[0-9]/ { if (line) print line; line = "" }
		/^[ \t]+0x/ { sub(/.*0x[0-9a-f]+: */, ""); gsub(/ /, ""); line = line $0 }
		END { print line }' >"$name.hex"
}

v4=$'192.0.2.100/24\n192.0.2.101/24'
unicast=$'unicast_src_ip 192.0.2.1\nunicast_peer {\n192.0.2.2\n}'
capture v2-none 'advert_int 1' "$v4" &
capture v2-pass $'advert_int 1\nauthentication {\nauth_type PASS\nauth_pass secret12\n}' "$v4" &
capture v2-ah $'advert_int 1\nauthentication {\nauth_type AH\nauth_pass secret\n}' "$v4" &
capture v2-ah-unicast $'advert_int 1\n'"$unicast"$'\nauthentication {\nauth_type AH\nauth_pass secret\n}' "$v4" &
wait
capture v3-ipv4 $'version 3\nadvert_int 0.5' "$v4" &
capture v3-ipv4-unicast $'version 3\nadvert_int 0.5\n'"$unicast" "$v4" &
capture v3-ipv6 'version 3' $'fe80::100/64\n2001:db8::100/64' &
wait
rm -r "$work"
