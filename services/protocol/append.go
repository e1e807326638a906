package protocol

import (
	"strconv"
	"time"
	"unicode/utf8"
)

// AppendWelcome appends a welcome message.
func AppendWelcome(b []byte, w Welcome) []byte {
	b = appendString(append(b, `{"type":"welcome","connection":`...), w.Connection)
	b = appendString(append(b, `,"user":`...), w.User)
	b = appendString(append(b, `,"node":`...), w.Node)
	b = appendTime(append(b, `,"time":`...), w.Time)
	b = appendString(append(b, `,"version":`...), w.Version)
	return append(b, '}')
}

// AppendTime appends a time message: t in UTC, in whole milliseconds, with as many
// decimals as it needs.
func AppendTime(b []byte, t time.Time) []byte {
	b = appendTime(append(b, `{"type":"time","time":`...), t)
	b = strconv.AppendInt(append(b, `,"unixMs":`...), t.UnixMilli(), 10)
	return append(b, '}')
}

// AppendFibonacci appends the answer to a fibonacci command. value is decimal.
func AppendFibonacci(b, id []byte, n uint64, value []byte, algorithm string, took time.Duration) []byte {
	b = append(openFibonacci(b, id, n), value...)
	return closeFibonacci(b, algorithm, took)
}

// AppendFibonacciUint is AppendFibonacci for a value that fits a machine word.
func AppendFibonacciUint(b, id []byte, n, value uint64, algorithm string, took time.Duration) []byte {
	b = strconv.AppendUint(openFibonacci(b, id, n), value, 10)
	return closeFibonacci(b, algorithm, took)
}

func openFibonacci(b, id []byte, n uint64) []byte {
	b = appendID(append(b, `{"type":"fibonacci"`...), id)
	b = strconv.AppendUint(append(b, `,"n":`...), n, 10)
	return append(b, `,"value":"`...)
}

func closeFibonacci(b []byte, algorithm string, took time.Duration) []byte {
	b = appendString(append(b, `","algorithm":`...), algorithm)
	b = strconv.AppendInt(append(b, `,"micros":`...), took.Microseconds(), 10)
	return append(b, '}')
}

// AppendSequence appends the answer to a sequence command: the first len(values)
// numbers, each decimal. It grows b at most once.
func AppendSequence(b, id []byte, values [][]byte) []byte {
	size := 64 + len(id) // over the length of what stands around the values
	for _, v := range values {
		size += len(v) + len(`"",`)
	}
	if cap(b)-len(b) < size {
		b = append(make([]byte, 0, len(b)+size), b...)
	}
	b = appendID(append(b, `{"type":"sequence"`...), id)
	b = strconv.AppendInt(append(b, `,"n":`...), int64(len(values)), 10)
	b = append(b, `,"values":[`...)
	for i, v := range values {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(b, '"')
		b = append(append(b, v...), '"')
	}
	return append(b, "]}"...)
}

// AppendPong appends the answer to a ping command.
func AppendPong(b, id []byte) []byte {
	return append(appendID(append(b, `{"type":"pong"`...), id), '}')
}

// AppendToken appends the answer to a token command: until when the new token is good.
func AppendToken(b, id []byte, expires time.Time) []byte {
	b = appendID(append(b, `{"type":"token"`...), id)
	return append(appendTime(append(b, `,"expires":`...), expires), '}')
}

// AppendError appends an error message.
func AppendError(b []byte, e *Error) []byte {
	b = appendID(append(b, `{"type":"error"`...), e.ID)
	b = appendString(append(b, `,"code":`...), string(e.Code))
	b = appendString(append(b, `,"message":`...), e.Message)
	b = strconv.AppendBool(append(b, `,"retryable":`...), e.Code.Retryable())
	return append(b, '}')
}

// AppendDrain appends the hint to connect again elsewhere after a while, in whole
// milliseconds.
func AppendDrain(b []byte, after time.Duration) []byte {
	b = strconv.AppendInt(append(b, `{"type":"drain","reconnectAfterMs":`...), after.Milliseconds(), 10)
	return append(b, '}')
}

// appendID appends the field id, if there is one, as it came.
func appendID(b, id []byte) []byte {
	if id == nil {
		return b
	}
	return append(append(b, `,"id":`...), id...)
}

func appendTime(b []byte, t time.Time) []byte {
	b = append(b, '"')
	b = t.UTC().AppendFormat(b, "2006-01-02T15:04:05.999Z07:00")
	return append(b, '"')
}

// appendString appends s as a JSON string. Invalid UTF-8 becomes U+FFFD, so that a
// text message is always valid.
func appendString(b []byte, s string) []byte {
	b = append(b, '"')
	for _, r := range s {
		switch {
		case r == '"' || r == '\\':
			b = append(b, '\\', byte(r))
		case r < ' ':
			b = append(b, `\u00`...)
			b = append(b, "0123456789abcdef"[r>>4], "0123456789abcdef"[r&0xf])
		default:
			b = utf8.AppendRune(b, r)
		}
	}
	return append(b, '"')
}
