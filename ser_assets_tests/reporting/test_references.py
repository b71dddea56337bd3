"""Published scores: each with its source, none that was not read there."""

from ser_assets.reporting.references import PEOPLE, REFERENCES, SYSTEMS


def test_every_published_score_names_its_protocol_its_source_and_where_to_find_it():
    for reference in REFERENCES["ravdess"]:
        assert reference.protocol
        assert reference.source
        assert reference.address.startswith("https://")
        assert [value for metric in ("uar", "accuracy") if (value := reference.value(metric))]


def test_a_metric_that_the_source_does_not_give_is_not_made_up():
    assert PEOPLE.value("uar") is None
    assert PEOPLE.value("roc_auc") is None


def test_people_stand_with_the_caveat_that_makes_their_task_easier():
    assert "calm and neutral" in PEOPLE.caveat


def test_a_checkpoint_chosen_on_the_test_fold_is_said():
    [tuned] = [system for system in SYSTEMS if "fine-tuned" in system.system]
    assert "test fold" in tuned.caveat


def test_no_score_of_pictures_of_the_face_stands_beside_those_of_the_voice():
    assert not [reference for reference in REFERENCES["ravdess"] if "video" in reference.system.lower()]
