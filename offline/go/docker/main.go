// Command pulumi-resource-docker serves the upstream Docker Terraform provider under the tokens of Pulumi's docker package.
package main

import (
	"strings"

	"github.com/pulumi/pulumi-terraform-bridge/v3/pkg/tfbridge"
	tfshim "github.com/pulumi/pulumi-terraform-bridge/v3/pkg/tfshim"
	sdkv2 "github.com/pulumi/pulumi-terraform-bridge/v3/pkg/tfshim/sdk-v2"
	"github.com/pulumi/pulumi/sdk/v3/go/common/tokens"
	"github.com/terraform-providers/terraform-provider-docker/shim"
)

const version = "5.2.0"

func main() {
	upstream := sdkv2.NewProvider(shim.NewProvider())
	info := tfbridge.ProviderInfo{
		P:            upstream,
		Name:         "docker",
		Version:      version,
		Resources:    map[string]*tfbridge.ResourceInfo{},
		DataSources:  map[string]*tfbridge.DataSourceInfo{},
		MetadataInfo: tfbridge.NewProviderMetadata([]byte("{}")),
	}
	upstream.ResourcesMap().Range(func(name string, _ tfshim.Resource) bool {
		info.Resources[name] = &tfbridge.ResourceInfo{Tok: token(name)}
		return true
	})
	tfbridge.Main("docker", version, info, []byte("{}"))
}

// token turns docker_x_y into docker:index/xY:XY; docker_image is RemoteImage in Pulumi's package.
func token(terraformName string) tokens.Type {
	pascal := ""
	for _, word := range strings.Split(strings.TrimPrefix(terraformName, "docker_"), "_") {
		pascal += strings.ToUpper(word[:1]) + word[1:]
	}
	if pascal == "Image" {
		pascal = "RemoteImage"
	}
	camel := strings.ToLower(pascal[:1]) + pascal[1:]
	return tokens.Type("docker:index/" + camel + ":" + pascal)
}
