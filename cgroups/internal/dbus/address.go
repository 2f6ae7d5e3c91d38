package dbus

import (
	"encoding/hex"
	"strings"
)

// SocketOf finds the path of a unix socket in a list of addresses such as "unix:path=/run/user/1000/bus,guid=..." ("D-Bus
// Specification", "Server Addresses"), in the form that Dial takes. It is empty if there is none.
func SocketOf(addresses string) string {
	for address := range strings.SplitSeq(addresses, ";") {
		rest, ok := strings.CutPrefix(address, "unix:")
		if !ok {
			continue
		}
		for pair := range strings.SplitSeq(rest, ",") {
			key, value, _ := strings.Cut(pair, "=")
			switch key {
			case "path":
				return unescape(value)
			case "abstract":
				return "@" + unescape(value)
			}
		}
	}
	return ""
}

// unescape undoes "%" with two hexadecimal digits.
func unescape(text string) string {
	var out []byte
	for i := 0; i < len(text); i++ {
		if text[i] == '%' && i+2 < len(text) {
			if b, err := hex.DecodeString(text[i+1 : i+3]); err == nil {
				out = append(out, b[0])
				i += 2
				continue
			}
		}
		out = append(out, text[i])
	}
	return string(out)
}
