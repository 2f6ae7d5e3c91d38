package jsonscan

import "bytes"

const (
	// wordChunk is how many words of short lists are made room for at a time.
	wordChunk = 64
	// listStart is how many elements a list is first made room for. Each step of
	// growth would cost a piece of memory of yet another size.
	listStart = 8
	// listLimit bounds what is made room for at once: a guess is only as good as
	// the text.
	listLimit = 4096
)

// Grow makes a list longer by one. As with encoding/json, an element that the
// list had before is kept, so that a second value for the same key is laid over
// the first.
func Grow[T any](list []T) []T {
	if len(list) < cap(list) {
		return list[:len(list)+1]
	}
	if list == nil {
		return make([]T, 1, listStart)
	}
	var zero T
	return append(list, zero)
}

// List reads an array by means of a function that reads one element.
func List[T any](s *Scanner, p *[]T, element func(*Scanner, *T)) {
	if s.Null() {
		*p = nil
		return
	}
	list := (*p)[:0]
	for s.Open('['); s.Elem(); {
		list = Grow(list)
		element(s, &list[len(list)-1])
	}
	*p = notNil(list)
}

// Names reads an array of strings into a list of a string type.
func Names[T ~string](s *Scanner, p *[]T) {
	if s.Null() {
		*p = nil
		return
	}
	list := (*p)[:0]
	for s.Open('['); s.Elem(); {
		list = Grow(list)
		name := string(list[len(list)-1])
		s.String(&name)
		list[len(list)-1] = T(name)
	}
	*p = notNil(list)
}

// Strings reads an array of strings. Short lists share one piece of memory.
func (s *Scanner) Strings(p *[]string) {
	if cap(*p) > 0 || s.next() != '[' {
		Names(s, p)
		return
	}
	room := s.room()
	list := room
	for s.Open('['); s.Elem(); {
		list = Grow(list)
		s.String(&list[len(list)-1])
	}
	if len(list) <= cap(room) {
		s.words = s.words[len(list):]
	} else {
		// What is left of the chunk holds strings of this list: not for Grow.
		s.words = nil
	}
	*p = notNil(list[:len(list):len(list)])
}

// room gives an empty list with as much room as the array that comes next is
// likely to need; a bracket or a comma inside a string makes it a wrong guess.
func (s *Scanner) room() []string {
	rest := s.data[s.pos:]
	count := 1 + bytes.Count(rest[:1+bytes.IndexByte(rest, ']')], []byte{','})
	count = min(count, listLimit)
	if count > len(s.words) {
		s.words = make([]string, max(count, wordChunk))
	}
	return s.words[:0:count]
}

// notNil makes an empty array differ from null.
func notNil[T any](list []T) []T {
	if len(list) == 0 {
		return []T{}
	}
	return list
}

// Map reads an object by means of a function that reads one value.
func Map[T any](s *Scanner, p *map[string]T, value func(*Scanner, *T)) {
	if s.Null() {
		*p = nil
		return
	}
	for s.Open('{'); s.Key(); {
		if *p == nil {
			*p = map[string]T{}
		}
		key := s.keep(s.Name)
		var v T
		value(s, &v)
		(*p)[key] = v
	}
	if *p == nil {
		*p = map[string]T{}
	}
}

// Pointer reads a value that may be absent by means of a function that reads one
// that is there.
func Pointer[T any](s *Scanner, p **T, value func(*Scanner, *T)) {
	if s.Null() {
		*p = nil
		return
	}
	if *p == nil {
		*p = new(T)
	}
	value(s, *p)
}
