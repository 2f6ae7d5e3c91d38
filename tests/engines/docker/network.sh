# shellcheck shell=bash
# Docker: networks.
source "$HERE/docker/setup.sh"

serve() { # NAME ARGUMENTS...: c1 web server
	local name=$1
	shift
	in_background "$name" "$@" bb httpd -f -p 80 -h /srv
}
fetch() { wget -q -T 5 -O - "$1"; }

network__none() { is links "$(in_bb --net none bb sh -c 'ls /sys/class/net | xargs; cat /sys/class/net/lo/operstate')" "$(printf 'lo\nunknown')"; }
network__host() { has link "$(in_bb --net host bb ip -o link)" docker0; }
network__bridge() {
	serve c1
	local address
	address=$(inspect c1 '{{.NetworkSettings.IPAddress}}')
	has range "$address" 198.18.0.
	has page "$(fetch "http://$address/")" "hello from the web"
	has between "$(in_bb bb wget -q -O - "http://$address/")" "hello from the web"
}
network__published_ports() {
	serve c1 -p 127.0.0.1:8081:80
	has page "$(fetch http://127.0.0.1:8081/)" "hello from the web"
	has port "$(docker port c1)" "127.0.0.1:8081"
}
network__of_another_container() {
	serve c1
	has page "$(in_bb --net container:c1 bb wget -q -O - http://127.0.0.1/)" "hello from the web"
}
network__user_defined_with_names() {
	docker network create mine >/dev/null
	serve web --net mine --network-alias www
	has name "$(in_bb --net mine bb wget -q -O - http://web/)" "hello from the web"
	has alias "$(in_bb --net mine bb wget -q -O - http://www/)" "hello from the web"
	refused in_bb bb timeout 2 wget -q -O - "http://$(inspect web '{{.NetworkSettings.Networks.mine.IPAddress}}')/"
}
network__fixed_address() {
	docker network create --subnet 198.18.77.0/24 fixed >/dev/null
	has address "$(in_bb --net fixed --ip 198.18.77.77 bb ip -o addr)" 198.18.77.77
}
network__connect_and_disconnect() {
	docker network create mine >/dev/null
	serve c1
	docker network connect mine c1
	has page "$(in_bb --net mine bb wget -q -O - http://c1/)" "hello from the web"
	docker network disconnect mine c1
	is links "$(docker exec c1 sh -c 'ls /sys/class/net | wc -l')" 2
}
network__internal() {
	docker network create --internal closed >/dev/null
	serve c1
	refused in_bb --net closed bb timeout 2 wget -q -O - "http://$(inspect c1 '{{.NetworkSettings.IPAddress}}')/"
	serve c2 --net closed
	has inside "$(in_bb --net closed bb wget -q -O - http://c2/)" "hello from the web"
}
network__macvlan() {
	ip link add parent0 type veth peer name parent1
	ip link set parent0 up
	ip link set parent1 up
	docker network create -d macvlan --subnet 198.18.88.0/24 -o parent=parent0 mac >/dev/null
	serve web --net mac --ip 198.18.88.5
	has page "$(in_bb --net mac bb wget -q -O - http://198.18.88.5/)" "hello from the web"
	docker rm -f web >/dev/null
	docker network rm mac >/dev/null
	ip link del parent0
}
network__survives_restart_of_the_container() {
	serve c1 -p 127.0.0.1:8082:80
	docker restart -t 1 c1 >/dev/null
	eventually 5 fetch http://127.0.0.1:8082/
}
network__raw_ping() {
	serve c1
	in_bb bb ping -c 1 -W 2 "$(inspect c1 '{{.NetworkSettings.IPAddress}}')"
}
