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
	"time"

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
	var why string
	c := &cobra.Command{
		Use:   "config",
		Short: "The configuration of a box: its history, and the way back",
		Long: `The configuration of a box and its history. Every configuration that was ever in use is a version, with who made it and when;
the newest hundred are kept. A configuration with an error is never put in use.

What a command puts in use is loaded by the running evenkeel at once.`,
	}
	c.PersistentFlags().StringVar(&a.Dir, "dir", defaultArchive, "where the configuration is kept")
	who := operator()

	// using makes the work of a command that puts a version in use.
	using := func(f func(args []string) (archive.Version, error)) func(*cobra.Command, []string) error {
		return func(cmd *cobra.Command, args []string) error {
			v, err := f(args)
			if err != nil {
				return err
			}
			fmt.Fprintf(cmd.OutOrStdout(), "version %d is in use\n", v.ID)
			return loaded(cmd, *socket)
		}
	}

	save := &cobra.Command{
		Use: "save PATH...", Short: "Check .hcl files, or folders of them, and put them in use", Args: cobra.MinimumNArgs(1),
		RunE: using(func(paths []string) (archive.Version, error) {
			files, err := readPaths(paths)
			if err != nil {
				return archive.Version{}, err
			}
			return a.Save(files, archive.Note{Who: who, Why: why})
		}),
	}
	save.Flags().StringVarP(&why, "message", "m", "", "why, for the history")

	var minutes time.Duration
	try := &cobra.Command{
		Use: "try PATH...", Short: "Put files in use until \"config confirm\", and go back if that does not come", Args: cobra.MinimumNArgs(1),
		Long: `Check files and put them in use for some time. If "evenkeel config confirm" does not come in that time, or the box starts again,
what was in use before is put in use again. This command waits for that, and may be interrupted by the loss of its terminal.`,
		RunE: func(cmd *cobra.Command, paths []string) error {
			files, err := readPaths(paths)
			if err != nil {
				return err
			}
			v, err := a.Try(files, archive.Note{Who: who, Why: why}, minutes)
			if err != nil {
				return err
			}
			fmt.Fprintf(cmd.OutOrStdout(), "version %d is in use for %s; to keep it: evenkeel config confirm\n", v.ID, minutes)
			if err := loaded(cmd, *socket); err != nil {
				return err
			}
			return awaitConfirmation(cmd, a, *socket)
		},
	}
	try.Flags().StringVarP(&why, "message", "m", "", "why, for the history")
	try.Flags().DurationVar(&minutes, "for", 5*time.Minute, "how long to wait for the confirmation")

	c.AddCommand(save, try,
		&cobra.Command{
			Use: "confirm", Short: "Keep what \"config try\" has put in use", Args: cobra.NoArgs,
			RunE: func(*cobra.Command, []string) error { return a.Confirm() },
		},
		&cobra.Command{
			Use: "undo", Short: "Go back to what was in use before \"config try\"", Args: cobra.NoArgs,
			RunE: func(cmd *cobra.Command, _ []string) error {
				_, undone, err := a.Undo(who)
				if err != nil || !undone {
					return errors.Join(err, said(cmd.OutOrStdout(), err, "nothing waits to be confirmed"))
				}
				return loaded(cmd, *socket)
			},
		},
		&cobra.Command{
			Use: "rollback VERSION", Short: "Put an older version in use again", Args: cobra.ExactArgs(1),
			RunE: using(func(args []string) (archive.Version, error) {
				id, err := versionNumber(args[0])
				if err != nil {
					return archive.Version{}, err
				}
				return a.Rollback(id, who)
			}),
		},
		&cobra.Command{
			Use: "history", Short: "List the versions, the newest first", Args: cobra.NoArgs,
			RunE: func(cmd *cobra.Command, _ []string) error {
				vs, err := a.List()
				if err != nil {
					return err
				}
				printHistory(cmd.OutOrStdout(), vs)
				return nil
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
		&cobra.Command{
			Use: "export FILE [VERSION]", Short: "Write a version into a .tar.gz file; - is the standard output", Args: cobra.RangeArgs(1, 2),
			RunE: func(cmd *cobra.Command, args []string) error {
				files, err := filesOf(a, args[1:])
				if err != nil {
					return err
				}
				if args[0] == "-" {
					return archive.Export(cmd.OutOrStdout(), files, time.Now())
				}
				f, err := os.OpenFile(args[0], os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o600)
				if err != nil {
					return fmt.Errorf("exporting the configuration: %w", err)
				}
				return errors.Join(archive.Export(f, files, time.Now()), f.Sync(), f.Close())
			},
		},
		&cobra.Command{
			Use: "import FILE", Short: "Put in use what \"config export\" has written; - is the standard input", Args: cobra.ExactArgs(1),
			RunE: using(func(args []string) (archive.Version, error) {
				in := io.NopCloser(os.Stdin)
				if args[0] != "-" {
					f, err := os.Open(args[0])
					if err != nil {
						return archive.Version{}, fmt.Errorf("importing a configuration: %w", err)
					}
					in = f
				}
				defer in.Close()
				files, err := archive.Import(in)
				if err != nil {
					return archive.Version{}, err
				}
				return a.Save(files, archive.Note{Who: who, Why: "imported from " + args[0]})
			}),
		},
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
	then := "Correct it and start the box again; or set the box up here, and it is not looked at any more."
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

func said(w io.Writer, err error, text string) error {
	if err != nil {
		return nil
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

// awaitConfirmation waits until a trial is confirmed, or over and undone.
func awaitConfirmation(cmd *cobra.Command, a *archive.Archive, socket string) error {
	for {
		t, err := a.Trial()
		if err != nil {
			return err
		}
		if t == nil {
			_, err := fmt.Fprintln(cmd.OutOrStdout(), "confirmed")
			return err
		}
		if left := time.Until(t.Until); left > 0 {
			time.Sleep(min(left, time.Second))
			continue
		}
		v, undone, err := a.Undo("nobody")
		if err != nil || !undone {
			return err
		}
		fmt.Fprintln(cmd.OutOrStdout(), v.Why)
		return loaded(cmd, socket)
	}
}
