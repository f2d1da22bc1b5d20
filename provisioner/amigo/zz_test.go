package amigo
import ("testing";"context";"os";"os/exec";"io";"time";"fmt"
 packersdk "github.com/hashicorp/packer-plugin-sdk/packer"
 "github.com/geneontology/packer-plugin-amigo/internal/event"
 engine "github.com/geneontology/packer-plugin-amigo/internal/amigo"
 "github.com/geneontology/packer-plugin-amigo/internal/cache")
type local struct{root string}
func (l local) Start(ctx context.Context,c *packersdk.RemoteCmd) error{
 args:=[]string{"--bind",l.root,"/","--dev","/dev","--proc","/proc","--die-with-parent","--cap-add","ALL","sh","-c",c.Command}
 cmd:=exec.Command("bwrap",args...); cmd.Stdin=c.Stdin; cmd.Stdout=c.Stdout; cmd.Stderr=c.Stderr
 if err:=cmd.Start();err!=nil{return err}
 go func(){ err:=cmd.Wait(); code:=0; if err!=nil{code=1; if e,ok:=err.(*exec.ExitError);ok{code=e.ExitCode()}}; c.SetExited(code)}()
 return nil}
func (local) Upload(string,io.Reader,*os.FileInfo) error{panic(0)}
func (local) UploadDir(string,string,[]string) error{panic(0)}
func (local) Download(string,io.Writer) error{panic(0)}
func (local) DownloadDir(string,string,[]string) error{panic(0)}
type sink struct{}
func (sink) Emit(e event.Event){ if e.Type==event.Progress{return}; if e.Type==event.Detail&&os.Getenv("D")==""{return}; fmt.Println(e.Type,e.Phase,e.Status,e.Text,e.Elapsed)}
func TestZZ(t *testing.T){
 var p Provisioner
 src:=os.Getenv("SRC"); data:=os.Getenv("DATA")
 on:=os.Getenv("ON"); if on==""{on="host"}
 serve:=os.Getenv("SERVE"); if serve==""{serve="workers"}
 err:=p.Prepare(map[string]any{"source":src,"bundle_on":on,"serve":serve,"certificate_authorities":[]string{"/usr/local/share/ca-certificates/custom-ca.crt","/usr/local/share/ca-certificates/sandboxing-egress-ca.crt"},"golr":map[string]any{"solr_war":"/tmp/w/solr/solr-3.6.2.war","memory":"512m","documents":[]string{"/work/main/examples/amigo/sample/golr-documents.xml"},"timestamp_log":data+"/golr_timestamp.log","release_doi":data+"/release-archive-doi.json"}})
 if err!=nil{t.Fatal(err)}
 c:=cache.At("/tmp/w/amigoprov/cache")
 start:=time.Now(); fp,err:=p.config.engine().Digest(context.Background(),c); fmt.Println("fingerprint",fp,err,time.Since(start))
 start=time.Now()
 err=engine.Provision(context.Background(),p.config.engine(),&guest{comm:local{os.Getenv("GUEST")}},"/tmp/w/amigoprov/rootfs.tar",c,sink{})
 fmt.Println(err,time.Since(start))
 if err!=nil{t.Fail()}
}
