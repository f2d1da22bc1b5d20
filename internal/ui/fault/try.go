package fault

// Try is what may help. The zero value is nothing.
type Try struct {
	Action Action
	On     []string // what the action is about: names, paths, URLs
	Means  []Means  // what to change before a [Repeat]; each alone may do
	Known  []string // the names that exist, of a [Rename]
}

// To returns a Try of an action on things.
func To(action Action, on ...string) Try { return Try{Action: action, On: on} }

// Retry returns a Try of the same command, after one of several changes.
func Retry(means ...Means) Try { return Try{Action: Repeat, Means: means} }

// Meant returns a Try of the same command with a name that exists in the place
// of one that does not.
func Meant(wrong string, known []string) Try {
	return Try{Action: Rename, On: []string{wrong}, Known: known}
}

// Action is a kind of [Try].
type Action int

// The actions. A comment says what On holds.
const (
	Nothing        Action = iota
	Repeat                // the same command; see Means. Of [OtherDirectory], a path in it
	Rename                // the same command with another name; see Known
	Instead               // what was given, and what was meant: the same command with that
	OtherVariant          // the variant that is not there; see Known
	Advise                // a sentence
	Install               // a package
	UpdateLists           // the package lists of the host
	Diagnose              // this host
	ListImages            //
	StopMachine           // a machine
	RemoveMachines        // machines
	BuildImage            //
	RebuildImage          //
	PublishTo             // the address of a repository
	Promote               // a channel
	ReadGit               // the address of a git repository
	LookAtEvidence        // a directory
	RaiseTimeout          // the setting's field
	MoveOutput            //
	ForgetRoot            // the directory that remembers it
	GetKey                // the file of a key
	GivePassword          // the variable of a password
	CopyRoot              //
	CopyTargets           //
	AddChannel            // a channel
	SignRoot              // the directory of what is pending
	SignWith              // the file of a root
	DropPending           // the directory of what is pending
	RotateAgain           //
	DropAndRotate         // the directory of what is pending
	SignNext              // the file of a root
	ShowKeys
	ShowHelp
	AwaitMachine  // a machine
	EnterMachine  // a machine that answers SSH
	InstallPlugin // the source of a plugin

	LastAction = InstallPlugin
)

// Means is what to change before the same command is given again.
type Means int

// The means.
const (
	Later Means = iota
	FreeSpace
	CollectGarbage
	OtherDisk
	OtherOutput
	AsRoot
	OtherDirectory
	OtherServer
	HomeRepository
	NoProxy
	RightClock
	AskPublisher
	OtherVersion
	WaitForLock
	SinglePublisher
	Reinstate
	RightKeys
	GoOn

	LastMeans = GoOn
)
