//! Someone who connects a phone system in a browser.

use reqwest::{Method, RequestBuilder, Response};

use crate::programs::{Server, client};

const EMAIL: &str = "ana@acme.example";
const PASSWORD: &str = "correct horse battery staple";

/// A signed-in admin of the server's account.
pub(crate) struct Dashboard {
    base: String,
    account: String,
    cookie: String,
}

/// A text that the page shows, and what to do with it.
#[derive(Debug)]
pub(crate) struct Block {
    pub title: String,
    pub text: String,
}

/// A connector, and the text for its phone system with its secret.
pub(crate) struct Created {
    pub id: String,
    pub blocks: Vec<Block>,
}

impl Dashboard {
    /// Signs in.
    pub(crate) async fn open(server: &Server) -> Self {
        server.create_admin(EMAIL, PASSWORD);
        let (base, account) = (server.url(), server.account().to_owned());
        let mut dashboard = Self { base, account, cookie: String::new() };
        let response = dashboard.post("/api/sign-in", &[("form[email]", EMAIL), ("form[password]", PASSWORD)]).await;
        let set = response.headers().get_all("set-cookie").iter().map(|line| line.to_str().unwrap());
        dashboard.cookie = set.map(|line| line.split(';').next().unwrap()).collect::<Vec<_>>().join("; ");
        dashboard
    }

    /// Creates a connector that Asterisk connects to.
    pub(crate) async fn create(&self) -> Created {
        let fields =
            [("acct", &*self.account), ("form[name]", "pbx"), ("form[system]", "asterisk"), ("form[way]", "ari")];
        let created = self.post("/api/connectors/create", &fields).await;
        self.shown(&created).await
    }

    /// Gives the connector a new secret.
    pub(crate) async fn rotate(&self, connector: &str) -> Created {
        let fields = [("acct", &*self.account), ("con", connector), ("turn", "rotate")];
        let rotated = self.post("/api/connectors/turn", &fields).await;
        self.shown(&rotated).await
    }

    /// Chooses the trunks.
    pub(crate) async fn choose_trunks(&self, connector: &str, trunks: &[String]) {
        let others = trunks.join("\n");
        let fields = [("acct", &*self.account), ("con", connector), ("form[others]", &others)];
        let chosen = self.post("/api/connectors/trunks", &fields).await;
        assert!(location(&chosen).ends_with("/test-call"), "{chosen:?}");
    }

    /// The page to which the form leads: it shows the secret once.
    async fn shown(&self, response: &Response) -> Created {
        let path = location(response);
        let id = path.split('/').find(|part| part.starts_with("con_")).unwrap_or_else(|| panic!("{path}"));
        let page = self.request(Method::GET, &path).send().await.unwrap().text().await.unwrap();
        Created { id: id.to_owned(), blocks: blocks(&page) }
    }

    async fn post(&self, path: &str, fields: &[(&str, &str)]) -> Response {
        let form = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
        let request = self.request(Method::POST, path).header("content-type", "application/x-www-form-urlencoded");
        let response = request.body(form).send().await.unwrap();
        assert!(response.status().is_redirection(), "{path}: {response:?}");
        response
    }

    fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let request = client().request(method, format!("{}{path}", self.base)).header("accept", "text/html");
        request.header("sec-fetch-site", "same-origin").header("cookie", &self.cookie)
    }
}

fn location(response: &Response) -> String {
    response.headers()["location"].to_str().unwrap().to_owned()
}

/// Each heading with the text below it that is there to be copied.
fn blocks(page: &str) -> Vec<Block> {
    let sections = page.split("<h2").skip(1).filter(|section| section.contains("<code>"));
    let inside = |text: &str, from: &str, to: &str| {
        let rest = text.split_once(from).unwrap_or_else(|| panic!("{text}")).1;
        unescaped(rest.split(to).next().unwrap())
    };
    sections
        .map(|section| Block {
            title: inside(section, ">", "<").trim().to_owned(),
            text: inside(section, "<code>", "</code>"),
        })
        .collect()
}

fn unescaped(text: &str) -> String {
    let text = text.replace("<!>", "").replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", "\"");
    text.replace("&#x27;", "'").replace("&#39;", "'").replace("&amp;", "&")
}
