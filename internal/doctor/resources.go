package doctor

import (
	"context"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/geneontology/packer-plugin-amigo/internal/host/diskspace"
	"github.com/geneontology/packer-plugin-amigo/internal/repo/buildcache"
	"github.com/geneontology/packer-plugin-amigo/internal/repo/sharedcache"
	"github.com/geneontology/packer-plugin-amigo/internal/ui/address"
)

const (
	gib = 1 << 30

	needMemory = 3 * gib // a guest of 2 GiB and room for the tools
	needCache  = 8 * gib // a base, its overlay, two images while they are made
	needTemp   = 1 * gib
)

func memory(context.Context, Host) Finding {
	text, err := os.ReadFile("/proc/meminfo")
	if err != nil {
		return missing("", "cannot tell: %v", err)
	}
	free := available(string(text))
	if free < needMemory {
		return Finding{
			State: Slow, Text: fmt.Sprintf("%.1f GiB free", float64(free)/gib),
			Cost: "a guest of 2 GiB may be swapped out", Cure: "memory = 1024 in the template",
		}
	}
	return ok("%.1f GiB free", float64(free)/gib)
}

// available returns MemAvailable of /proc/meminfo, in bytes.
func available(meminfo string) int64 {
	for line := range strings.Lines(meminfo) {
		field := strings.Fields(line)
		if len(field) >= 2 && field[0] == "MemAvailable:" {
			kib, _ := strconv.ParseInt(field[1], 10, 64)
			return kib << 10
		}
	}
	return 0
}

func cacheSpace(_ context.Context, h Host) Finding {
	return space(h.Cache.Path(), needCache, "XDG_CACHE_HOME")
}

// sharedCache reads the cache that this host shares with others, if it does.
func sharedCache(ctx context.Context, _ Host) Finding {
	location := os.Getenv(buildcache.Variable)
	if location == "" {
		return ok("none")
	}
	if err := sharedcache.Probe(ctx, location); err != nil {
		return Finding{
			State: Slow, Text: fmt.Sprintf("%s can't be used: %s", address.Shown(location), reason(err)),
			Cost: "this host makes what others have made already", Cure: "export " + buildcache.Variable + "=URL",
		}
	}
	return ok("%s answers", address.Shown(location))
}

func tempSpace(_ context.Context, h Host) Finding {
	return space(h.Temp, needTemp, "TMPDIR")
}

// space writes to dir and looks how much more would fit.
func space(dir string, need int64, variable string) Finding {
	elsewhere := "export " + variable + "=DIR"
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return missing(elsewhere, "%v", err)
	}
	if err := writable(dir); err != nil {
		return missing(elsewhere, "%v", err)
	}
	free, err := diskspace.Free(dir)
	if err != nil {
		return missing(elsewhere, "%s: %v", dir, err)
	}
	if free < need {
		return missing(elsewhere, "%.1f GiB free in %s, %d needed", float64(free)/gib, dir, need/gib)
	}
	return ok("%.0f GiB free in %s", float64(free)/gib, dir)
}

// writable makes a file with a hole, as disks have them.
func writable(dir string) error {
	path := filepath.Join(dir, fmt.Sprintf(".doctor-%d", os.Getpid()))
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	defer func() { _ = os.Remove(path) }()
	if err := f.Truncate(gib); err != nil {
		_ = f.Close()
		return fmt.Errorf("no sparse files in %s: %w", dir, err)
	}
	return f.Close()
}

// loopback opens a port as QEMU does for a guest's ssh.
func loopback(ctx context.Context, _ Host) Finding {
	var config net.ListenConfig
	l, err := config.Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return missing("ip link set lo up", "%v", err)
	}
	defer func() { _ = l.Close() }()
	return ok("a port of 127.0.0.1 can be opened")
}
