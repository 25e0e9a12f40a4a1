"""CodeBuild: moto 5.2 asks for a source's location even where there is no source, and deletes by name alone."""

from moto.codebuild import responses
from moto.codebuild.models import CodeBuildBackend

_validate_source = responses._validate_required_params_source


def validate_source(source):
    if source.get("type") != "NO_SOURCE":
        _validate_source(source)


responses._validate_required_params_source = validate_source

_delete_project = CodeBuildBackend.delete_project


def delete_project(self, project_name):
    # AWS takes a project's ARN for its name.
    _delete_project(self, project_name.rsplit("project/", 1)[-1])


CodeBuildBackend.delete_project = delete_project
