from __future__ import annotations

from gemini_magic import wire


def test_googles_list_is_read(own_body):
    listed = wire.ListModelsResponse.model_validate_json(own_body("models_google.json"))
    assert [model.name for model in listed.models] == ["models/gemini-9-pro", "models/tiny"]
    assert listed.models[0].supported_generation_methods == ["generateContent", "countTokens"]
    assert listed.model_dump(include={"next_page_token"}) == {"nextPageToken": "p2"}


def test_openais_list_is_read(own_body):
    listed = wire.ModelList.model_validate_json(own_body("models_openai.json"))
    assert [card.id for card in listed.data] == ["gemini-9-pro", "gemini-9-flash"]
    assert listed.data[0].owned_by == "google"


def test_openais_shape_stays_in_snake_case():
    card = wire.ModelCard(id="m", object="model", owned_by="me")
    assert card.model_dump(by_alias=True, exclude_unset=True) == {"id": "m", "object": "model", "owned_by": "me"}


def test_the_wrong_list_has_no_models(own_body):
    assert wire.ListModelsResponse.model_validate_json(own_body("models_openai.json")).models is None
    assert wire.ModelList.model_validate_json(own_body("models_google.json")).data is None
