package function

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// secretServer answers as Vault, Consul and AWS Secrets Manager do, and points
// their clients at itself.
func secretServer(t *testing.T, answers map[string]string) *httptest.Server {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		answer, ok := answers[r.URL.Path]
		if !ok {
			w.WriteHeader(http.StatusForbidden)
			answer = `{"errors": ["permission denied"], "__type": "AccessDeniedException", "message": "not for you"}`
		}
		w.Header().Set("Content-Type", "application/json")
		_, _ = fmt.Fprint(w, answer)
	}))
	t.Cleanup(server.Close)
	for name, value := range map[string]string{
		"VAULT_ADDR": server.URL, "VAULT_TOKEN": "token", "CONSUL_HTTP_ADDR": server.URL, "AWS_ENDPOINT_URL": server.URL,
		"AWS_REGION": "eu-central-1", "AWS_ACCESS_KEY_ID": "id", "AWS_SECRET_ACCESS_KEY": "key", "AWS_EC2_METADATA_DISABLED": "true",
		"AWS_CONFIG_FILE": "/nonexistent", "AWS_SHARED_CREDENTIALS_FILE": "/nonexistent",
	} {
		t.Setenv(name, value)
	}
	return server
}

func TestSecrets(t *testing.T) {
	secretServer(t, map[string]string{
		"/v1/kv/app":      `{"data": {"data": {"password": "two", "port": 5432}}}`,
		"/v1/old":         `{"data": {"password": "one"}}`,
		"/v1/kv/app/name": `[{"Key": "app/name", "Value": "Y29uc3Vs"}]`,
		"/":               `{"Name": "app", "SecretString": "{\"user\": \"u\", \"port\": 5432}"}`,
	})
	for text, want := range map[string]string{
		`vault("kv/app", "password")`:       `cty.StringVal("two")`,
		`vault("old", "password")`:          `cty.StringVal("one")`,
		`consul_key("app/name")`:            `cty.StringVal("consul")`,
		`aws_secretsmanager("app", "user")`: `cty.StringVal("u")`,
		`aws_secretsmanager("app", "port")`: `cty.StringVal("5432")`,
		`aws_secretsmanager_raw("app")`:     `cty.StringVal("{\"user\": \"u\", \"port\": 5432}")`,
	} {
		if v, err := evaluate(t, t.TempDir(), text); err != nil || fmt.Sprintf("%#v", v) != want {
			t.Errorf("%s = %#v, %v; want %s", text, v, err, want)
		}
	}
	for text, want := range map[string]string{
		`vault("kv/app", "port")`:         `cannot read "kv/app" from Vault: the value is not a text`,
		`vault("kv/app", "none")`:         `from Vault: vault path does not contain the requested key`,
		`vault("closed", "x")`:            `from Vault: error reading vault secret: Error making API request. URL: GET http`,
		`consul_key("closed")`:            `cannot read "closed" from Consul: error reading consul key: Unexpected response code: 403`,
		`aws_secretsmanager("app", null)`: `from AWS Secrets Manager: secret has multiple values and no key was set`,
		`aws_secretsmanager("app", "no")`: `no secret found for key "no"`,
		`aws_secretsmanager_raw("")`:      `at least one secret name must be provided`,
	} {
		refused(t, t.TempDir(), text, want)
	}
}

func TestSecretsOutOfReach(t *testing.T) {
	secretServer(t, nil).Close()
	refused(t, t.TempDir(), `consul_key("a")`, `connection refused`)
	t.Setenv("VAULT_TOKEN", "")
	refused(t, t.TempDir(), `vault("a", "b")`, `cannot read "a" from Vault: must set VAULT_TOKEN`)
	t.Setenv("AWS_ACCESS_KEY_ID", "")
	refused(t, t.TempDir(), `aws_secretsmanager_raw("a")`, `from AWS Secrets Manager: there are no credentials`)
	t.Setenv("AWS_PROFILE", "none")
	refused(t, t.TempDir(), `aws_secretsmanager("a", "b")`, `failed to load AWS config`)
}

// refused wants an error of one line with want in it.
func refused(t *testing.T, dir, text, want string) {
	t.Helper()
	v, err := evaluate(t, dir, text)
	if err == nil {
		t.Errorf("%s = %#v; want an error with %q", text, v, want)
		return
	}
	if got := err.Error(); !strings.Contains(got, want) || strings.Contains(got, "\n") || strings.Contains(got, "dial tcp") {
		t.Errorf("%s: %s; want %q", text, got, want)
	}
}
