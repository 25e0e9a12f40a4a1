// Package shim hands out the Docker provider's constructor; the module's name is what makes the internal import legal.
package shim

import (
	"github.com/hashicorp/terraform-plugin-sdk/v2/helper/schema"
	"github.com/terraform-providers/terraform-provider-docker/internal/provider"
)

// NewProvider returns the Docker Terraform provider.
func NewProvider() *schema.Provider { return provider.New("dev")() }
