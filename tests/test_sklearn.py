"""The link from scikit-learn's HTML representation to the pages of the documentation."""

import pytest
from sklearn.utils import estimator_html_repr

import sknielsen._sklearn
from sknielsen import ImageAugmenter, MLPSigmoidClassifier
from sknielsen.schedules import Taper

SITE = "https://docs.example/stable"
PAGES = {
    MLPSigmoidClassifier: "sknielsen.MLPSigmoidClassifier",
    ImageAugmenter: "sknielsen.augmentation.ImageAugmenter",
    Taper: "sknielsen.schedules.Taper",
}


@pytest.mark.parametrize("estimator", PAGES)
def test_without_an_address_there_is_no_link(estimator):
    if sknielsen._sklearn.DOCUMENTATION is None:
        assert "href=" not in estimator_html_repr(estimator())


@pytest.mark.parametrize(("estimator", "page"), PAGES.items())
def test_the_link_is_to_the_page_of_the_class(estimator, page, monkeypatch):
    base = sknielsen._sklearn.BaseEstimator
    monkeypatch.setattr(base, "_doc_link_module", "sknielsen")
    template = base._doc_link_template.replace(str(sknielsen._sklearn.DOCUMENTATION), SITE)
    monkeypatch.setattr(base, "_doc_link_template", template)
    assert f"{SITE}/generated/api/{page}.html" in estimator_html_repr(estimator())
