// A KMS plugin on the packages that Kubernetes publishes: a stranger for the checks of kmsmark to judge. AES-256-GCM under key versions in a file;
// SIGHUP adds one.
package main

import (
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"flag"
	"log"
	"os"
	"os/signal"
	"sync"
	"syscall"
	"time"

	"k8s.io/kms/pkg/service"
)

const (
	annotation = "key-version.go-plugin.kmsmark.test"
	idLength   = 16
)

type keyVersion struct {
	ID  string `json:"id"`
	Key string `json:"key"`
}

type plugin struct {
	mutex sync.RWMutex
	path  string
	keys  []keyVersion
}

func open(path string) (*plugin, error) {
	p := &plugin{path: path}
	data, err := os.ReadFile(path)
	if errors.Is(err, os.ErrNotExist) {
		return p, p.rotate()
	}
	if err != nil {
		return nil, err
	}
	return p, json.Unmarshal(data, &p.keys)
}

func (p *plugin) rotate() error {
	id, key := make([]byte, idLength), make([]byte, 32)
	if _, err := rand.Read(id); err != nil {
		return err
	}
	if _, err := rand.Read(key); err != nil {
		return err
	}
	p.mutex.Lock()
	defer p.mutex.Unlock()
	keys := append(p.keys, keyVersion{ID: hex.EncodeToString(id), Key: base64.StdEncoding.EncodeToString(key)})
	data, err := json.Marshal(keys)
	if err != nil {
		return err
	}
	if err := os.WriteFile(p.path, data, 0o600); err != nil {
		return err
	}
	p.keys = keys
	return nil
}

func (p *plugin) current() keyVersion {
	p.mutex.RLock()
	defer p.mutex.RUnlock()
	return p.keys[len(p.keys)-1]
}

func (p *plugin) find(id string) (keyVersion, bool) {
	p.mutex.RLock()
	defer p.mutex.RUnlock()
	for _, version := range p.keys {
		if version.ID == id {
			return version, true
		}
	}
	return keyVersion{}, false
}

func (v keyVersion) aead() (cipher.AEAD, error) {
	key, err := base64.StdEncoding.DecodeString(v.Key)
	if err != nil {
		return nil, err
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	return cipher.NewGCM(block)
}

func (v keyVersion) seal(data []byte) ([]byte, error) {
	aead, err := v.aead()
	if err != nil {
		return nil, err
	}
	nonce := make([]byte, aead.NonceSize())
	if _, err := rand.Read(nonce); err != nil {
		return nil, err
	}
	return aead.Seal(nonce, nonce, data, []byte(v.ID)), nil
}

func (v keyVersion) open(ciphertext []byte) ([]byte, error) {
	aead, err := v.aead()
	if err != nil {
		return nil, err
	}
	if len(ciphertext) < aead.NonceSize() {
		return nil, errors.New("the ciphertext is too short")
	}
	nonce, sealed := ciphertext[:aead.NonceSize()], ciphertext[aead.NonceSize():]
	return aead.Open(nil, nonce, sealed, []byte(v.ID))
}

func (p *plugin) Status(context.Context) (*service.StatusResponse, error) {
	return &service.StatusResponse{Version: "v2", Healthz: "ok", KeyID: p.current().ID}, nil
}

func (p *plugin) Encrypt(_ context.Context, _ string, data []byte) (*service.EncryptResponse, error) {
	version := p.current()
	sealed, err := version.seal(data)
	return &service.EncryptResponse{
		Ciphertext:  sealed,
		KeyID:       version.ID,
		Annotations: map[string][]byte{annotation: []byte(version.ID)},
	}, err
}

func (p *plugin) Decrypt(_ context.Context, _ string, request *service.DecryptRequest) ([]byte, error) {
	version, ok := p.find(request.KeyID)
	if !ok {
		return nil, errors.New("unknown key id")
	}
	if len(request.Annotations) != 1 || string(request.Annotations[annotation]) != version.ID {
		return nil, errors.New("these are not the annotations that were given")
	}
	return version.open(request.Ciphertext)
}

func main() {
	socket := flag.String("socket", "", "path of the Unix socket")
	keyFile := flag.String("key-file", "", "path of the file of key versions")
	kms := flag.String("kms", "v2", "v1 or v2")
	flag.Parse()
	p, err := open(*keyFile)
	if err != nil {
		log.Fatal(err)
	}
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGHUP, syscall.SIGTERM, syscall.SIGINT)
	var server interface {
		ListenAndServe() error
		Shutdown()
	} = service.NewGRPCService(*socket, 5*time.Second, p)
	if *kms == "v1" {
		server = newServerV1(*socket, p)
	}
	go func() {
		for each := range signals {
			if each != syscall.SIGHUP {
				server.Shutdown()
				return
			}
			if err := p.rotate(); err != nil {
				log.Print(err)
			}
		}
	}()
	if err := server.ListenAndServe(); err != nil {
		log.Fatal(err)
	}
}
