package criu

// kind is the type of a request and of its answer.
type kind int64

const (
	kindDump     kind = 1
	kindRestore  kind = 2
	kindPreDump  kind = 4
	kindNotify   kind = 6
	kindFeatures kind = 9
	kindVersion  kind = 10
)

// reply is what CRIU sends (message criu_resp).
type reply struct {
	kind    kind
	success bool
	errno   int
	message string
	// pid is that of the restored process, or what a notification is about.
	pid int
	// script is the kind of a notification.
	script   string
	version  Version
	features Features
}

// Features are what CRIU and the kernel can do together.
type Features struct{ MemoryTracking, LazyPages bool }

func parseReply(data []byte) (r reply, err error) {
	err = fields(data, func(field int, num int64, part []byte) error {
		switch field {
		case 1:
			r.kind = kind(num)
		case 2:
			r.success = num != 0
		case 4:
			return fields(part, func(field int, num int64, _ []byte) error {
				if field == 1 {
					r.pid = int(num)
				}
				return nil
			})
		case 5:
			return r.takeNotification(part)
		case 7:
			r.errno = int(num)
		case 8:
			return r.takeFeatures(part)
		case 9:
			r.message = string(part)
		case 10:
			return r.takeVersion(part)
		}
		return nil
	})
	return r, err
}

func (r *reply) takeNotification(data []byte) error {
	return fields(data, func(field int, num int64, part []byte) error {
		switch field {
		case 1:
			r.script = string(part)
		case 2:
			r.pid = int(num)
		}
		return nil
	})
}

func (r *reply) takeFeatures(data []byte) error {
	return fields(data, func(field int, num int64, _ []byte) error {
		switch field {
		case 1:
			r.features.MemoryTracking = num != 0
		case 2:
			r.features.LazyPages = num != 0
		}
		return nil
	})
}

func (r *reply) takeVersion(data []byte) error {
	return fields(data, func(field int, num int64, _ []byte) error {
		switch field {
		case 1:
			r.version.Major = int(num)
		case 2:
			r.version.Minor = int(num)
		}
		return nil
	})
}
