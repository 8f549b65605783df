module cabitrans

go 1.26.0

require (
	github.com/go-analyze/charts v0.6.4
	github.com/google/pprof v0.0.0-20261016150608-1facf8f91b50
	github.com/twitchyliquid64/golang-asm v0.15.1
	go.yaml.in/yaml/v3 v3.0.6
	golang.org/x/arch v0.32.0
	golang.org/x/sys v0.49.0
)

require (
	github.com/golang/freetype v0.0.0-20170609003504-e2365dfdc4a0 // indirect
	golang.org/x/image v0.45.0 // indirect
)
