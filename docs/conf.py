"""Sphinx configuration.

The site is built offline. With ``SKNIELSEN_INTERSPHINX=1`` names of other packages link to their
own documentation. Tables of figures are made anew from the committed JSON by `tables`, and the
picture of the modules from their imports by `architecture`.
"""

import importlib.util
import os
import shutil
import sys
from pathlib import Path

from docutils import nodes

# sphinx-gallery looks HalvingGridSearchCV up, also where the example does not run.
from sklearn.experimental import enable_halving_search_cv  # noqa: F401
from sphinx.ext import autosummary
from sphinx.pycode import ModuleAnalyzer
from sphinx.util.docutils import SphinxRole
from sphinx.util.nodes import make_refnode

import sknielsen

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE))
# They lie beside this file, where Python looks only from here on.
import architecture  # noqa: E402
import records  # noqa: E402
import reference  # noqa: E402
import tables  # noqa: E402

tables.write(HERE / "generated")
architecture.write(HERE / "generated")
(HERE / "generated" / "home.inc").write_text(records.home(tables.read("tables")), encoding="utf-8")

# --- Project ----------------------------------------------------------------------------------

project = "sknielsen"
author = "The sknielsen developers"
project_copyright = author
version = release = sknielsen.__version__

extensions = [
    "matplotlib.sphinxext.plot_directive",
    "myst_parser",
    "numpydoc",
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx.ext.mathjax",
    "sphinx.ext.viewcode",
    "sphinx_copybutton",
    "sphinx_design",
    "sphinx_gallery.gen_gallery",
]
exclude_patterns = ["_build", "benchmarks/NOTES.md"]  # notes for those who change the code
templates_path = ["_templates"]
root_doc = "index"
language = "en-GB"
nitpicky = True
# A cross-reference without a role, `so`, links to what it names, if the site documents it.
default_role = "link_or_literal"

# --- References to other packages -------------------------------------------------------------

_OTHERS = "numpy|scipy|sklearn|matplotlib|imblearn|pandas|joblib|threadpoolctl"
if os.environ.get("SKNIELSEN_INTERSPHINX") == "1":
    extensions.append("sphinx.ext.intersphinx")
    intersphinx_mapping = {
        "python": ("https://docs.python.org/3", None),
        "numpy": ("https://numpy.org/doc/stable", None),
        "scipy": ("https://docs.scipy.org/doc/scipy", None),
        "sklearn": ("https://scikit-learn.org/stable", None),
        "matplotlib": ("https://matplotlib.org/stable", None),
        "imblearn": ("https://imbalanced-learn.org/stable", None),
    }
else:
    nitpick_ignore_regex = [("py:.*", rf"({_OTHERS})(\..*)?")]

# --- API reference ----------------------------------------------------------------------------

autosummary_generate = True
autosummary_context = {"related": reference.related()}
autosummary.WELL_KNOWN_ABBREVIATIONS += ("ch.", "eq.")  # which end no summary
autodoc_typehints = "none"
numpydoc_show_class_members = False  # the class template lists them
numpydoc_class_members_toctree = False
toc_object_entries_show_parents = "hide"
copybutton_prompt_text = r">>> |\.\.\. |\$ "
copybutton_prompt_is_regexp = True


class LinkOrLiteral(SphinxRole):
    """Link a name that the site documents; show any other as a literal."""

    def run(self):
        """Make a reference to a Python object that may be missing."""
        role = self.env.domains.python_domain.role("obj")
        found, messages = role("obj", self.rawtext, self.text, self.lineno, self.inliner)
        found[0]["may_be_missing"] = True
        return found, messages


def resolve(app, env, node, contnode):
    """Link a public class or function by its last name alone; leave any other name a literal."""
    if not node.get("may_be_missing"):
        return None
    target = node["reftarget"]
    if "." not in target or target.startswith("sknielsen."):
        named = [
            (name, entry)
            for name, entry in env.domains.python_domain.objects.items()
            if entry.objtype in ("class", "function")
            and not entry.aliased
            and name.rpartition(".")[2] == target.rpartition(".")[2]
        ]
        if len(named) == 1:
            name, entry = named[0]
            docname = node["refdoc"]
            return make_refnode(app.builder, docname, entry.docname, entry.node_id, contnode, name)
    return nodes.literal("", contnode.astext())


def defining_module(app, modname, attribute):
    """Find the source to link: public names of a package say that they live in the package."""
    for name in sorted(sys.modules):
        if name.startswith(f"{modname}._"):
            analyzer = ModuleAnalyzer.for_module(name)
            analyzer.find_tags()
            if attribute in analyzer.tags:
                return name
    return None


def no_arguments(app, what, name, obj, options, signature, returns):
    """Show protocols by their names alone: nobody makes an instance of one."""
    return ("", returns) if what == "class" and signature == "(*args, **kwargs)" else None


# --- Pictures, mathematics, examples ----------------------------------------------------------

plot_basedir = str(HERE)  # a page of the guide and one of the API may draw the same picture
plot_formats = [("png", 144)]
plot_html_show_formats = False
plot_html_show_source_link = False
plot_include_source = True
plot_rcparams = {"figure.figsize": (7, 3), "figure.constrained_layout.use": True}
plot_apply_rcparams = True

# MathJax draws the equations, from a file of the site: no page asks the network for anything.
# Its build that draws with SVG is one file without fonts.
mathjax_path = "mathjax/tex-svg.js"
mathjax3_config = {"options": {"enableMenu": False}}  # what the menu offers is not shipped


def copy_mathjax(app):
    """Copy MathJax into the site from the package sphinx-mathjax-offline."""
    if app.builder.format != "html":
        return
    package = Path(importlib.util.find_spec("sphinx-mathjax-offline").origin).parent
    target = app.outdir / "_static" / mathjax_path
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(package / "static" / mathjax_path, target)


sphinx_gallery_conf = {
    "examples_dirs": "../examples",
    "gallery_dirs": "auto_examples",
    "subsection_order": [
        f"../examples/{section}"
        for section in ("start", "puzzles", "training", "images", "tables", "ecosystem")
    ],
    "filename_pattern": r"[/\\]plot_",
    "ignore_pattern": r"quickstart\.py",
    "abort_on_example_error": True,
    "within_subsection_order": "tables.ReadingOrder",
    "doc_module": ("sknielsen",),
    "reference_url": {"sknielsen": None},
    "backreferences_dir": "generated/backreferences",
    "write_computation_times": False,
    "download_all_examples": False,
    "show_signature": False,
    "remove_config_comments": True,
    "capture_repr": ("_repr_html_",),  # and not what matplotlib's calls return
    "reset_modules": ("gallery.one_style",),
    "thumbnail_size": (400, 260),
    "image_srcset": ["2x"],
}


def quote_figures(app, docname, source):
    """Give a page of the gallery the figures that it quotes, as substitutions."""
    if docname.startswith("auto_examples/"):
        stem = docname.rpartition("/")[2]
        entries = tables.read("experiments").get("scripts", {})
        source[0] += records.substitutions(stem, entries)


# --- Pages ------------------------------------------------------------------------------------

html_theme = "pydata_sphinx_theme"
html_title = "sknielsen"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_favicon = "_static/favicon.svg"
html_context = {"default_mode": "auto"}
html_show_sourcelink = False
html_theme_options = {
    "navigation_with_keys": False,
    "show_toc_level": 2,
    "header_links_before_dropdown": 6,
    "secondary_sidebar_items": ["page-toc"],
    "footer_start": ["copyright"],
    "footer_end": [],
    "logo": {
        "text": "sknielsen",
        "image_light": "_static/favicon.svg",
        "image_dark": "_static/favicon.svg",
    },
}
html_sidebars = {"tutorial": [], "changelog": []}


def setup(app):
    """Register the default role, the copying of MathJax, and what is done about names."""
    app.add_role("link_or_literal", LinkOrLiteral())
    app.connect("missing-reference", resolve, priority=900)  # after intersphinx
    app.connect("viewcode-follow-imported", defining_module)
    app.connect("autodoc-process-docstring", reference.group_parameters, priority=600)
    app.connect("autodoc-process-signature", no_arguments, priority=400)  # before numpydoc
    app.connect("builder-inited", copy_mathjax)
    app.connect("source-read", quote_figures)
