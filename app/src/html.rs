//! HTML that is written out as soon as its view exists.
//!
//! Pages have no life in the browser, so there is nothing in a view to keep. Leptos's `AnyView` compiles each view seven
//! times over, most of it to build and update elements in a browser; this compiles the one function that writes HTML.

use leptos::attr::Attribute;
use leptos::attr::any_attribute::AnyAttribute;
use leptos::children::{ChildrenOptContainer, ToChildren};
use leptos::prelude::*;
use leptos::tachys::hydration::Cursor;
use leptos::tachys::view::{Position, PositionState};

/// A view of any type, as HTML; also what a component gets as its children.
#[derive(Debug, Clone, Default)]
pub struct Html(String);

/// Writes a view out.
pub trait IntoHtml {
    /// The view as HTML.
    fn into_html(self) -> Html;
}

impl<V: RenderHtml> IntoHtml for V {
    fn into_html(self) -> Html {
        let mut html = String::new();
        self.to_html_with_buf(&mut html, &mut Position::FirstChild, true, false, Vec::new());
        Html(html)
    }
}

impl<F: FnOnce() -> V, V: RenderHtml> ToChildren<F> for Html {
    fn to_children(children: F) -> Self {
        children().into_html()
    }
}

impl<V: RenderHtml> ToChildren<ChildrenOptContainer<V>> for Html {
    fn to_children(children: ChildrenOptContainer<V>) -> Self {
        children.0.into_html()
    }
}

impl Render for Html {
    type State = ();

    fn build(self) {}

    fn rebuild(self, (): &mut ()) {}
}

impl AddAnyAttr for Html {
    type Output<A: Attribute> = Self;

    fn add_any_attr<A: Attribute>(self, _: A) -> Self {
        self
    }
}

impl RenderHtml for Html {
    type AsyncOutput = Self;
    type Owned = Self;

    const MIN_LENGTH: usize = 0;

    fn dry_resolve(&mut self) {}

    async fn resolve(self) -> Self {
        self
    }

    fn to_html_with_buf(
        self,
        html: &mut String,
        position: &mut Position,
        _escape: bool,
        _mark_branches: bool,
        _attributes: Vec<AnyAttribute>,
    ) {
        html.push_str(&self.0);
        *position = Position::NextChild;
    }

    fn hydrate<const FROM_SERVER: bool>(self, _: &Cursor, _: &PositionState) {}

    fn into_owned(self) -> Self {
        self
    }
}
