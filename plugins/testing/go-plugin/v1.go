package main

import (
	"context"
	"encoding/hex"
	"errors"
	"net"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"k8s.io/kms/apis/v1beta1"
)

const versionV1 = "v1beta1"

// The same keys over KMS v1, whose published package ends at the generated code: the key's id, which v2 keeps beside a ciphertext, stands before it.
type serviceV1 struct {
	v1beta1.UnimplementedKeyManagementServiceServer
	plugin *plugin
}

func (s *serviceV1) Version(context.Context, *v1beta1.VersionRequest) (*v1beta1.VersionResponse, error) {
	return &v1beta1.VersionResponse{Version: versionV1, RuntimeName: "go-plugin", RuntimeVersion: "1.0.0"}, nil
}

func (s *serviceV1) Encrypt(_ context.Context, request *v1beta1.EncryptRequest) (*v1beta1.EncryptResponse, error) {
	if request.Version != versionV1 {
		return nil, status.Error(codes.InvalidArgument, "only v1beta1 is served")
	}
	version := s.plugin.current()
	sealed, err := version.seal(request.Plain)
	if err != nil {
		return nil, err
	}
	id, err := hex.DecodeString(version.ID)
	return &v1beta1.EncryptResponse{Cipher: append(id, sealed...)}, err
}

func (s *serviceV1) Decrypt(_ context.Context, request *v1beta1.DecryptRequest) (*v1beta1.DecryptResponse, error) {
	if request.Version != versionV1 {
		return nil, status.Error(codes.InvalidArgument, "only v1beta1 is served")
	}
	if len(request.Cipher) < idLength {
		return nil, errors.New("the ciphertext is too short")
	}
	version, ok := s.plugin.find(hex.EncodeToString(request.Cipher[:idLength]))
	if !ok {
		return nil, errors.New("unknown key")
	}
	plain, err := version.open(request.Cipher[idLength:])
	return &v1beta1.DecryptResponse{Plain: plain}, err
}

// What the published service package does for v2.
type serverV1 struct {
	*grpc.Server
	socket string
}

func newServerV1(socket string, p *plugin) *serverV1 {
	server := grpc.NewServer()
	v1beta1.RegisterKeyManagementServiceServer(server, &serviceV1{plugin: p})
	return &serverV1{Server: server, socket: socket}
}

func (s *serverV1) ListenAndServe() error {
	listener, err := net.Listen("unix", s.socket)
	if err != nil {
		return err
	}
	return s.Serve(listener)
}

func (s *serverV1) Shutdown() { s.GracefulStop() }
