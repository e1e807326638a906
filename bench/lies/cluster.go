package main

import (
	"bufio"
	"bytes"
	"context"
	"crypto/rand"
	"debug/buildinfo"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime/debug"
	"strings"
	"syscall"

	"github.com/presenced/presence/bench/server"
	"github.com/presenced/presence/services/presenced/witness"
)

// cluster is what nodes need: a program, and a database.
type cluster struct {
	dir      string
	build    server.Build
	uri      string
	name     string // of the database
	database string // in words
	ferret   *exec.Cmd
	stdin    io.Closer // of ferret, which ends with it
	links    []*witness.Link
}

func newCluster(ctx context.Context, root string) (c *cluster, err error) {
	c = &cluster{uri: os.Getenv("MONGODB_URI"), name: "lies_" + strings.ToLower(rand.Text()[:12]), database: "MONGODB_URI"}
	if c.dir, err = os.MkdirTemp("", "presence-lies-"); err != nil {
		return nil, err
	}
	say("building")
	if c.build, err = server.NewBuild(ctx, root, "./services/presenced", c.dir); err == nil && c.uri == "" {
		err = c.startFerret(ctx, filepath.Join(root, "services", "mongostore", "ferretdb"))
	}
	if err != nil {
		return nil, errors.Join(err, c.close())
	}
	return c, nil
}

// startFerret builds and starts the database that the tests use.
func (c *cluster) startFerret(ctx context.Context, module string) error {
	program := filepath.Join(c.dir, "ferretdb")
	cmd := exec.CommandContext(ctx, "go", "build", "-tags", "ferretdb_no_postgresql", "-o", program, ".") //nolint:gosec // into a directory of our own
	cmd.Dir = module
	cmd.Env = append(cmd.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("go build in %s: %w\n%s", module, err, out)
	}
	info, err := buildinfo.ReadFile(program)
	if err != nil {
		return err
	}
	c.database = ferretIn(info)
	ferret := exec.Command(program) //nolint:gosec,noctx // what was just built; close ends it
	stdin, err := ferret.StdinPipe()
	if err != nil {
		return err
	}
	stdout, err := ferret.StdoutPipe()
	if err != nil {
		return err
	}
	if err := ferret.Start(); err != nil {
		return err
	}
	c.ferret, c.stdin = ferret, stdin
	line, err := bufio.NewReader(stdout).ReadString('\n')
	c.uri = strings.TrimSpace(line)
	return err
}

// ferretIn says which FerretDB a program has been built with.
func ferretIn(info *debug.BuildInfo) string {
	version := "of an unknown version"
	for _, module := range info.Deps {
		if module.Path == "github.com/FerretDB/FerretDB" {
			version = module.Version
		}
	}
	return "FerretDB " + version + " (on SQLite), on the same machine"
}

func (c *cluster) close() error {
	for _, l := range c.links {
		l.Close()
	}
	if c.ferret != nil {
		_ = c.stdin.Close()
		_ = c.ferret.Wait()
	}
	return os.RemoveAll(c.dir)
}

func (c *cluster) commit() string {
	if c.build.Modified {
		return c.build.Commit + ", and changes that are not committed"
	}
	return c.build.Commit
}

// nodes are n1, n2 and so on, each with a link to the database of its own. What one logs goes to a file of a directory, if there is
// one, and is told if the node does not start.
func (c *cluster) nodes(count int, logs string) (nodes []witness.Node, err error) {
	for i := range count {
		id := fmt.Sprintf("n%d", i+1)
		link, through, err := witness.LinkTo(c.uri)
		if err != nil {
			return nil, fmt.Errorf("MONGODB_URI: %w", err)
		}
		c.links = append(c.links, link)
		nodes = append(nodes, witness.Node{ID: id, Link: link, Start: func() (*witness.Process, error) {
			log, err := c.log(id, logs)
			if err != nil {
				return nil, err
			}
			defer log.Close() // the process has its own
			p, err := witness.Start(c.command(log, through, "--ws-host", "127.0.0.1", "--ws-port", "0",
				"--admin-addr", "127.0.0.1:0", "--node-id", id, "--drain-timeout", "60s"))
			if err != nil {
				said, _ := os.ReadFile(log.Name()) // without it, the error stands alone
				err = fmt.Errorf("%w\n%s", err, said)
			}
			return p, err
		}})
	}
	return nodes, nil
}

func (c *cluster) log(id, dir string) (*os.File, error) {
	if dir == "" {
		dir = c.dir
	}
	return os.OpenFile(filepath.Join(dir, id+".log"), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
}

// command is presenced on the cluster's database, at an address of it.
func (c *cluster) command(log io.Writer, uri string, args ...string) *exec.Cmd {
	cmd := exec.Command(c.build.Path, append(args, "--mongodb-uri", uri, "--db-database", c.name)...) //nolint:gosec,noctx // what was just built; a node outlives what has started it
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + os.Getenv("HOME")}
	cmd.Stderr = log
	return cmd
}

// verify asks presenced whether the log and online hold together.
func (c *cluster) verify(ctx context.Context) (string, error) {
	var log bytes.Buffer
	cmd := c.command(&log, c.uri, "verify")
	stop := context.AfterFunc(ctx, func() { _ = cmd.Process.Signal(syscall.SIGTERM) })
	defer stop()
	out, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("presenced verify: %w\n%s%s", err, out, log.Bytes())
	}
	_, words, _ := strings.Cut(strings.TrimSpace(string(out)), c.name+": ")
	return words, nil
}
