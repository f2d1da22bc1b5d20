package launch

import (
	"context"
	"net"
	"strconv"
)

// FreePort tells whether a port of the loopback interface can be had.
func FreePort(ctx context.Context, port int) bool {
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
	if err != nil {
		return false
	}
	return l.Close() == nil
}
