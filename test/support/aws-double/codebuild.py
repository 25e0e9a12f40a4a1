"""CodeBuild: moto 5.2 asks for a source's location even where there is no source."""

from moto.codebuild import responses

_validate_source = responses._validate_required_params_source


def validate_source(source):
    if source.get("type") != "NO_SOURCE":
        _validate_source(source)


responses._validate_required_params_source = validate_source
