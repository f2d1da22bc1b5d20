package plugin

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"syscall"
	"time"

	sdk "github.com/hashicorp/packer-plugin-sdk/plugin"
	"github.com/hashicorp/packer-plugin-sdk/rpc"

	"github.com/geneontology/packer-plugin-amigo/internal/host/command"
	"github.com/geneontology/packer-plugin-amigo/internal/ui/fault"
	"github.com/geneontology/packer-plugin-amigo/pipeline/event"
)

// How long things may take, and how much of a plugin's log an error shows.
const (
	startPatience = time.Minute // until it says where it listens, as Packer waits
	dialPatience  = 10 * time.Second
	endPatience   = 2 * time.Second // it ends when its connection does
	diePatience   = time.Second     // from a broken connection to the end of the program
	lastWords     = 20              // lines
	longestPath   = 80              // of a directory of sockets, whose paths have 108 bytes
)

// kind is a kind of component, as a plugin's command line has it.
type kind string

const (
	builderKind       kind = "builder"
	provisionerKind   kind = "provisioner"
	postProcessorKind kind = "post-processor"
	dataSourceKind    kind = "datasource"
)

// process is a plugin that runs for one component.
type process struct {
	what   string // component, for people
	run    *command.Process
	client *rpc.Client
	words  *event.Tail // the end of its log
}

// start runs a plugin for one component. log gets the lines of its log; it may be nil.
// The process outlives ctx.
func start(ctx context.Context, p Plugin, k kind, name string, log func(line string)) (*process, error) {
	proc := &process{what: fmt.Sprintf("%s %s of the plugin %s", k, name, p), words: event.NewTail(lastWords)}
	stdout, lines := io.Pipe()
	args := []string{"start", string(k), name}
	if p.ProtocolVersion == sdk.ProtocolVersion2 {
		args = []string{"start", string(k), "--protobuf", name}
	}
	var err error
	proc.run, err = command.Start(context.WithoutCancel(ctx), command.Cmd{
		Name: p.Path, Args: args, Env: environment(), Stdout: lines, Stderr: io.MultiWriter(proc.words, event.NewLines(func(line string) {
			if log != nil {
				log(line)
			}
		})),
	})
	if err != nil {
		return nil, fmt.Errorf("starting the %s: %w", proc.what, err)
	}
	go func() {
		<-proc.run.Done()
		_ = lines.Close()
	}()
	if err := proc.connect(ctx, stdout); err != nil {
		err = proc.died("starting", err)
		proc.kill()
		return nil, err
	}
	proc.client.UseProto = p.ProtocolVersion == sdk.ProtocolVersion2
	return proc, nil
}

// environment is what a plugin needs besides our own environment.
func environment() []string {
	env := []string{sdk.MagicCookieKey + "=" + sdk.MagicCookieValue, "PACKER_PLUGIN_MIN_PORT=10000", "PACKER_PLUGIN_MAX_PORT=25000"}
	if len(os.TempDir()) > longestPath {
		env = append(env, "TMPDIR=/tmp")
	}
	return env
}

// connect reads where the plugin listens, and dials it.
func (p *process) connect(ctx context.Context, stdout io.Reader) error {
	network, address, err := p.handshake(ctx, stdout)
	if err != nil {
		return err
	}
	dialer := net.Dialer{Timeout: dialPatience}
	conn, err := dialer.DialContext(ctx, network, address)
	if err != nil {
		return fmt.Errorf("dialling it: %w", err)
	}
	if err := conn.SetDeadline(time.Now().Add(dialPatience)); err != nil {
		return err
	}
	if p.client, err = rpc.NewClient(conn); err != nil {
		_ = conn.Close()
		return fmt.Errorf("speaking to it: %w", err)
	}
	return conn.SetDeadline(time.Time{})
}

// handshake waits for the line that says where the plugin listens. What comes after it
// is read and forgotten, so that the plugin is not blocked.
func (p *process) handshake(ctx context.Context, stdout io.Reader) (network, address string, err error) {
	first := make(chan string, 1)
	go func() {
		reader := bufio.NewReaderSize(stdout, 4<<10)
		line, _ := reader.ReadSlice('\n')
		first <- string(line)
		_, _ = io.Copy(io.Discard, reader)
	}()
	select {
	case line := <-first:
		return parseHandshake(line)
	case <-time.After(startPatience):
		return "", "", fmt.Errorf("it did not say within %s where it listens", startPatience)
	case <-ctx.Done():
		return "", "", context.Cause(ctx)
	}
}

// errEnded is a program that began as a plugin does not.
var errEnded = errors.New("it ended before it said where it listens")

// parseHandshake reads a line like "5|0|unix|/tmp/packer-plugin123".
func parseHandshake(line string) (network, address string, err error) {
	fields := strings.Split(strings.TrimSpace(line), "|")
	if line == "" {
		return "", "", errEnded
	}
	if len(fields) != 4 {
		return "", "", fmt.Errorf("it began with %q, which no plugin says", fault.Short(line, 60))
	}
	if err := checkAPI("x" + fields[0] + "." + fields[1]); err != nil {
		return "", "", err
	}
	network, address = fields[2], fields[3]
	host, _, _ := net.SplitHostPort(address)
	if network != "unix" && (network != "tcp" || !net.ParseIP(host).IsLoopback()) {
		return "", "", fmt.Errorf("it listens on %s %q, not on this computer alone", network, address)
	}
	return network, address, nil
}

// Close ends the plugin: it goes when its connection does.
func (p *process) Close() error {
	if p.client != nil {
		_ = p.client.Close()
	}
	select {
	case <-p.run.Done():
	case <-time.After(endPatience):
	}
	p.kill()
	return nil
}

// kill ends the plugin with whatever it has started.
func (p *process) kill() {
	_ = p.run.Signal(syscall.SIGKILL)
	<-p.run.Done()
}

// call calls the plugin. The SDK panics in the place of some errors.
func (p *process) call(doing string, f func() error) (err error) {
	defer func() {
		if v := recover(); v != nil {
			err = p.died(doing, fmt.Errorf("%v", v))
		}
	}()
	if err := f(); err != nil {
		return p.died(doing, err)
	}
	return nil
}

// died returns err, or a [*DiedError] if the program has ended or is about to.
func (p *process) died(doing string, err error) error {
	patience := time.Duration(0)
	if broken(err) {
		patience = diePatience
	}
	select {
	case <-p.run.Done():
		return &DiedError{What: p.what, Doing: doing, Log: p.words.String(), Err: err}
	case <-time.After(patience):
		return err
	}
}

// broken reports whether an error is of a connection that has ended. The SDK hands on
// most errors as text.
func broken(err error) bool {
	if errors.Is(err, errEnded) {
		return true
	}
	text := err.Error()
	for _, end := range []string{"EOF", "shut down", "shutdown", "broken pipe", "reset by peer", "timeout waiting for accept"} {
		if strings.Contains(text, end) {
			return true
		}
	}
	return false
}

// DiedError is a plugin that ended while it was needed.
type DiedError struct {
	What  string // component and plugin
	Doing string // what it was asked for: "preparing"
	Log   string // the end of its log
	Err   error
}

func (e *DiedError) Error() string {
	text := fmt.Sprintf("the %s died while %s", e.What, e.Doing)
	if why := e.why(); why != "" {
		text += ": " + why
	}
	return text
}

func (e *DiedError) Unwrap() error { return e.Err }

// why is the line of its log that says most: that of a panic, or the last.
func (e *DiedError) why() string {
	if e.Log == "" && e.Err != nil {
		return e.Err.Error()
	}
	lines := strings.Split(strings.TrimSpace(e.Log), "\n")
	for _, line := range lines {
		if strings.HasPrefix(line, "panic: ") || strings.HasPrefix(line, "fatal error: ") {
			return line
		}
	}
	return lines[len(lines)-1]
}
