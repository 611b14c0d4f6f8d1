package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/evenkeel/evenkeel/appliance/archive"
	"github.com/evenkeel/evenkeel/appliance/problem"
	"github.com/evenkeel/evenkeel/appliance/source"
	"github.com/evenkeel/evenkeel/appliance/ssh"
	"github.com/evenkeel/evenkeel/core"
	"github.com/evenkeel/evenkeel/core/control"
)

// defaultArchive is where a box keeps its configuration.
const defaultArchive = "/data/config"

// newConfig are the commands for a box's configuration and its history.
func newConfig(socket *string) *cobra.Command {
	a := &archive.Archive{Check: checkFolder}
	c := &cobra.Command{
		Use:   "config",
		Short: "The configuration of a box: its history, and the way back",
		Long: `The configuration of a box and its history. Every configuration that was ever in use is a version, with who made it and when;
the newest hundred are kept. A configuration with an error is never put in use.

What a command puts in use is loaded by the running evenkeel at once. With --confirm it is in use for a time only: if "evenkeel
config confirm" does not come, or the box starts again, what was in use before comes back by itself.`,
	}
	c.PersistentFlags().StringVar(&a.Dir, "dir", defaultArchive, "where the configuration is kept")
	who := operator()
	putting := func(c *cobra.Command, find func(args []string) (archive.Files, string, error)) *cobra.Command {
		return puttingInUse(c, a, socket, who, find)
	}
	var why string
	apply := putting(&cobra.Command{
		Use: "apply PATH...", Aliases: []string{"save"}, Short: "Check .hcl files, or folders of them, and put them in use", Args: cobra.MinimumNArgs(1),
	}, func(paths []string) (archive.Files, string, error) {
		files, err := readPaths(paths)
		return files, why, err
	})
	apply.Flags().StringVarP(&why, "message", "m", "", "why, for the history")

	c.AddCommand(apply,
		&cobra.Command{
			Use: "confirm", Short: "Keep what --confirm has put in use for a time", Args: cobra.NoArgs,
			RunE: func(cmd *cobra.Command, _ []string) error {
				t, err := a.Trial()
				if err == nil && t == nil {
					return said(cmd.OutOrStdout(), nil, "nothing waits to be confirmed")
				}
				if err := errors.Join(err, a.Confirm()); err != nil {
					return err
				}
				v, err := a.InUse()
				return said(cmd.OutOrStdout(), err, fmt.Sprintf("version %d is kept", v.ID))
			},
		},
		&cobra.Command{
			Use: "undo", Short: "Go back at once from what --confirm has put in use for a time", Args: cobra.NoArgs,
			RunE: func(cmd *cobra.Command, _ []string) error {
				v, undone, err := a.Undo(who)
				if err != nil || !undone {
					return said(cmd.OutOrStdout(), err, "nothing waits to be confirmed")
				}
				fmt.Fprintln(cmd.OutOrStdout(), v.Why)
				return loaded(cmd, *socket)
			},
		},
		putting(&cobra.Command{
			Use: "rollback VERSION", Short: "Put an older version in use again", Args: cobra.ExactArgs(1),
		}, func(args []string) (archive.Files, string, error) {
			files, err := filesOf(a, args)
			return files, "back to version " + args[0], err
		}),
		newConfigEdit(a, socket, who), newConfigDiff(a), newConfigGuard(a, socket),
		&cobra.Command{
			Use: "history", Short: "List the versions, the newest first", Args: cobra.NoArgs,
			RunE: func(cmd *cobra.Command, _ []string) error {
				vs, err := a.List()
				if err != nil {
					return err
				}
				printHistory(cmd.OutOrStdout(), vs)
				return trialSaid(cmd.OutOrStdout(), a)
			},
		},
		&cobra.Command{
			Use: "show [VERSION]", Short: "Print the files of a version, without a number those in use", Args: cobra.MaximumNArgs(1),
			RunE: func(cmd *cobra.Command, args []string) error {
				files, err := filesOf(a, args)
				if err != nil {
					return err
				}
				return archive.Print(cmd.OutOrStdout(), files)
			},
		},
		newConfigExport(a),
		newConfigImport(putting),
		newAcquire(a),
	)
	return c
}

// newAcquire is what a box does at its start.
func newAcquire(a *archive.Archive) *cobra.Command {
	var mount, told string
	c := &cobra.Command{
		Use:   "acquire",
		Short: "See to it that there is a configuration, as a box does at its start",
		Long: `See to it that a box has a configuration. A change that was not confirmed before the start is undone. A box that has none takes
the first good one of: a disk called "cidata", a stick called "CONFIG", QEMU's fw_cfg opt/org.evenkeel/evenkeel.hcl. On a disk
it is every .hcl file in the folder evenkeel, or else in the root.

Exit status: 0, there is one; 3, there is none and none was given, so that somebody has to be asked.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			out := cmd.OutOrStdout()
			if err := startOfBox(out); err != nil {
				fmt.Fprintf(os.Stderr, "evenkeel: %v\n", err)
			}
			v, undone, err := a.Undo("the start of the box")
			if err != nil {
				return err
			}
			if undone {
				fmt.Fprintf(out, "a change was not confirmed before the box started again: %s\n", v.Why)
			}
			if _, err := a.InUse(); !errors.Is(err, archive.ErrNone) {
				return err
			}
			from, problems, err := source.Acquire(source.All(mount), func(name string, files source.Files) error {
				_, err := a.Save(files, archive.Note{Who: name, Why: "the box had none"})
				return err
			})
			for _, p := range problems {
				fmt.Fprintf(os.Stderr, "evenkeel: %v\n", p)
			}
			if err := problem.Tell(told, acquiring, given(problems, from)); err != nil {
				fmt.Fprintf(os.Stderr, "evenkeel: %v\n", err)
			}
			if err != nil {
				return exitError{code: 3, err: err}
			}
			fmt.Fprintf(out, "the configuration was taken from %s\n", from)
			return nil
		},
	}
	c.Flags().StringVar(&mount, "mount", "/run/evenkeel/volume", "folder to mount disks on")
	c.Flags().StringVar(&told, "problems", problem.DefaultDir, "folder where the console looks for what is wrong")
	return c
}

// acquiring is what tells the console what was wrong with a configuration that the box was given.
const acquiring = "acquire"

// given are the problems of configurations that were given, and how to go on. from is the one that was taken, "" if none was.
func given(problems []error, from string) []problem.Problem {
	then := "Correct it and start the box again; or set the box up here, and it is not\nlooked at any more."
	if from != "" {
		then = "The configuration in use is from " + from + "."
	}
	var told []problem.Problem
	for _, p := range problems {
		told = append(told, problem.Problem{What: p.Error(), Then: then})
	}
	return told
}

// checkFolder is what the language says of the files in a folder.
func checkFolder(dir string) error {
	_, text, err := core.Check(builtins(), []string{dir}, false)
	if errors.As(err, new(*core.ConfigError)) {
		return errors.New("the configuration has errors:\n" + strings.ReplaceAll(text, dir+"/", ""))
	}
	return err
}

// operator says who works: over SSH, the name of the machine he comes from is of interest too.
func operator() string {
	name := "uid " + strconv.Itoa(os.Getuid())
	if u, err := user.Current(); err == nil {
		name = u.Username
	}
	if by := os.Getenv(ssh.Operator); by != "" {
		return by
	}
	if from, _, ok := strings.Cut(os.Getenv("SSH_CLIENT"), " "); ok {
		name += " from " + from
	}
	return name
}

// said writes a line, unless there is an error, which it returns.
func said(w io.Writer, err error, text string) error {
	if err != nil {
		return err
	}
	_, err = fmt.Fprintln(w, text)
	return err
}

func versionNumber(s string) (int, error) {
	id, err := strconv.Atoi(s)
	if err != nil || id < 1 {
		return 0, fmt.Errorf("%q is no version: \"evenkeel config history\" lists them", s)
	}
	return id, nil
}

// filesOf are the files of the version that args name, or of the one in use.
func filesOf(a *archive.Archive, args []string) (archive.Files, error) {
	if len(args) == 0 {
		v, err := a.InUse()
		if err != nil {
			return nil, err
		}
		return a.Files(v.ID)
	}
	id, err := versionNumber(args[0])
	if err != nil {
		return nil, err
	}
	return a.Files(id)
}

// readPaths reads files, and folders for what a configuration in one is.
func readPaths(paths []string) (archive.Files, error) {
	all := archive.Files{}
	for _, p := range paths {
		info, err := os.Stat(p)
		if err != nil {
			return nil, fmt.Errorf("reading the configuration: %w", err)
		}
		files := archive.Files{}
		if info.IsDir() {
			files, err = source.Folder(p)
		} else {
			files[filepath.Base(p)], err = os.ReadFile(p)
		}
		if err != nil {
			return nil, fmt.Errorf("reading the configuration: %w", err)
		}
		for name, text := range files {
			if _, twice := all[name]; twice {
				return nil, fmt.Errorf("reading the configuration: there are two files %s", name)
			}
			all[name] = text
		}
	}
	return all, nil
}

func printHistory(w io.Writer, vs []archive.Version) {
	t := newTable(w, "VERSION", "", "TIME", "WHO", "WHY")
	for _, v := range vs {
		mark := ""
		if v.Current {
			mark = "in use"
		}
		if v.Changed {
			mark = strings.TrimPrefix(mark+", changed by hand", ", ")
		}
		t.row(strconv.Itoa(v.ID), mark, v.Time.Format("2006-01-02 15:04:05Z"), v.Who, v.Why)
	}
	t.print()
}

// loaded has the running evenkeel read what is in use now. That none runs is said, and no error: the next one reads it.
func loaded(cmd *cobra.Command, socket string) error {
	client, err := control.Dial(socket)
	if err != nil {
		_, err = fmt.Fprintln(cmd.OutOrStdout(), "no evenkeel runs; the next one reads it")
		return err
	}
	defer client.Close()
	return reload(cmd, client)
}
