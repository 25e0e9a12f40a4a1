// Package codegen holds the one type that the docker-build provider's schema printer needs.
package codegen

// CSharpPackageInfo describes a generated C# package.
type CSharpPackageInfo struct {
	RespectSchemaVersion bool
	PackageReferences    map[string]string
	Namespaces           map[string]string
	RootNamespace        string
}
