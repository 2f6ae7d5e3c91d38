package dbus

import (
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"
)

// maxDepth bounds how deep types may be nested.
const maxDepth = 32

// maxSignature bounds how long a signature may be.
const maxSignature = 255

var errSignature = errors.New("bad D-Bus signature")

// split takes the first complete type off a signature.
func split(sig string) (first, rest string, err error) {
	n, err := typeLength(sig, 0)
	if err != nil {
		return "", "", fmt.Errorf("%w %q", err, sig)
	}
	return sig[:n], sig[n:], nil
}

// typeLength gives the length of the first complete type.
func typeLength(sig string, depth int) (int, error) {
	if sig == "" || depth > maxDepth {
		return 0, errSignature
	}
	switch sig[0] {
	case 'a':
		if strings.HasPrefix(sig, "a{") {
			return entryLength(sig, depth)
		}
		n, err := typeLength(sig[1:], depth+1)
		return n + 1, err
	case '(':
		at := 1
		for at < len(sig) && sig[at] != ')' {
			n, err := typeLength(sig[at:], depth+1)
			if err != nil {
				return 0, err
			}
			at += n
		}
		if at >= len(sig) || at == 1 {
			return 0, errSignature
		}
		return at + 1, nil
	default:
		if !isBasic(sig[0]) && sig[0] != 'v' {
			return 0, errSignature
		}
		return 1, nil
	}
}

// entryLength is typeLength for "a{kv}", the only place of a dictionary's entry.
func entryLength(sig string, depth int) (int, error) {
	const head = 2
	if len(sig) <= head || !isBasic(sig[head]) {
		return 0, errSignature
	}
	n, err := typeLength(sig[head+1:], depth+1)
	if err != nil {
		return 0, err
	}
	end := head + 1 + n
	if end >= len(sig) || sig[end] != '}' {
		return 0, errSignature
	}
	return end + 1, nil
}

func isBasic(t byte) bool { return strings.IndexByte("bynqiuxtdsog", t) >= 0 }

// align is the boundary that values of a type begin at.
func align(t byte) int {
	switch t {
	case 'y', 'g', 'v':
		return 1
	case 'n', 'q':
		return 2
	case 'x', 't', 'd', '(', '{':
		return 8
	}
	return 4
}

// width is the size of a number's type.
func width(t byte) int {
	switch t {
	case 'y':
		return 1
	case 'n', 'q':
		return 2
	case 'x', 't', 'd':
		return 8
	}
	return 4
}

// wellFormed says whether a text can be of a type: whoever receives another one hangs up.
func wellFormed(t byte, text string) bool {
	if !utf8.ValidString(text) || strings.IndexByte(text, 0) >= 0 {
		return false
	}
	switch t {
	case 'o':
		return isObjectPath(text)
	case 'g':
		for text != "" {
			_, rest, err := split(text)
			if err != nil {
				return false
			}
			text = rest
		}
	}
	return true
}

func isObjectPath(text string) bool {
	if text == "/" {
		return true
	}
	if text == "" || text[0] != '/' {
		return false
	}
	for part := range strings.SplitSeq(text[1:], "/") {
		if part == "" {
			return false
		}
		for i := range len(part) {
			c := part[i]
			if (c|0x20 < 'a' || c|0x20 > 'z') && (c < '0' || c > '9') && c != '_' {
				return false
			}
		}
	}
	return true
}
