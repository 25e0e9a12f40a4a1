// Package java holds the one type that the docker-build provider's schema printer needs.
package java

// PackageInfo describes a generated Java package.
type PackageInfo struct {
	BuildFiles                      string
	GradleNexusPublishPluginVersion string
	Dependencies                    map[string]string
	BasePackage                     string
	GradleTest                      string
}
