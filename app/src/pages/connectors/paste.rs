//! The text that an administrator pastes into the phone system, and the commands to run.

use domain::connector::{Connector, REQUESTS_PATH_PREFIX, System, Way};

/// A block to copy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Paste {
    /// What to do with it.
    pub title: String,
    /// A remark beside the title.
    pub note: &'static str,
    /// The text.
    pub text: String,
}

/// TLS, with the authorities that the machine trusts. Asterisk itself trusts none, although its documentation says that
/// the line is not needed: 22.10 refuses every certificate without it.
const TLS: &str = "tls_enabled = yes\n\
                   ca_list_file = /etc/ssl/certs/ca-certificates.crt  ; Red Hat, Rocky, Alma: /etc/pki/tls/cert.pem";

/// What the text needs to know.
#[derive(Debug, Clone, Copy)]
pub(super) struct Given<'a> {
    /// The connector.
    pub connector: &'a Connector,
    /// Its secret, or a mask.
    pub secret: &'a str,
    /// The token of the program beside the phone system, or a mask.
    pub token: &'a str,
    /// Address of this server.
    pub url: &'a str,
}

/// The blocks for this connector, in the order in which they are used.
pub(super) fn blocks(given: Given<'_>) -> Vec<Paste> {
    match (given.connector.system, given.connector.way) {
        (System::FreeSwitch, Way::Beside) => freeswitch(given),
        (System::Kamailio, Way::Beside) => kamailio(given),
        (_, Way::Beside) => asterisk(given),
        (_, Way::Ari) => ari(given),
        (_, Way::Ami) => vec![manager(given.secret), reload("manager reload")],
        (System::FreeSwitch, Way::Http) => json_cdr(given),
        (_, Way::Http) => http(given),
        (_, Way::Files) => Vec::new(),
    }
}

fn paste(title: impl Into<String>, note: &'static str, text: impl Into<String>) -> Paste {
    Paste { title: title.into(), note, text: text.into() }
}

fn manager(secret: &str) -> Paste {
    let text = format!(
        "[offhook]\n\
         secret = {secret}\n\
         deny = 0.0.0.0/0.0.0.0\n\
         permit = 127.0.0.1/255.255.255.255\n\
         read = call\n\
         write = reporting  ; reads status; cannot dial or change anything\n\
         writetimeout = 5000"
    );
    paste("Paste into manager.conf", "FreePBX: manager_custom.conf", text)
}

fn reload(command: &str) -> Paste {
    paste("Then reload it", "", format!("asterisk -rx \"{command}\""))
}

/// The two files that the program beside the phone system reads its credentials from.
fn credentials(given: Given<'_>) -> Paste {
    let text = format!(
        "install -d -m 700 ~/.config/offhook && cd ~/.config/offhook && umask 077\n\
         printf '%s\\n' '{}' > secret\n\
         printf '%s\\n' '{}' > token",
        given.secret, given.token
    );
    paste("Store the credentials on the same machine", "readable only by you", text)
}

fn asterisk(given: Given<'_>) -> Vec<Paste> {
    let run = format!(
        "asterisk -rx \"manager reload\"\n\
         offhook connect asterisk --ami 127.0.0.1:5038 --user offhook \\\n  \
         --secret-file secret --token-file token \\\n  \
         --offhook {} \\\n  --connector {}",
        given.url, given.connector.id
    );
    vec![manager(given.secret), credentials(given), paste("Run the connector", "", run), call_records()]
}

fn call_records() -> Paste {
    paste(
        "Optional: add to the last command",
        "fills gaps from Asterisk’s call records; without it, a call that ends while the connection is lost is incomplete",
        "--cdr-csv /var/log/asterisk/cdr-csv/Master.csv",
    )
}

fn freeswitch(given: Given<'_>) -> Vec<Paste> {
    let socket = format!(
        "<param name=\"listen-ip\" value=\"127.0.0.1\"/>\n\
         <param name=\"listen-port\" value=\"8021\"/>\n\
         <param name=\"password\" value=\"{}\"/>",
        given.secret
    );
    let run = format!(
        "fs_cli -x \"reload mod_event_socket\"\n\
         offhook connect freeswitch --esl 127.0.0.1:8021 \\\n  \
         --password-file secret --token-file token \\\n  \
         --offhook {} \\\n  --connector {}",
        given.url, given.connector.id
    );
    vec![
        paste("Set in event_socket.conf.xml", "replaces the parameters of these names", socket),
        credentials(given),
        paste("Run the connector", "", run),
    ]
}

fn kamailio(given: Given<'_>) -> Vec<Paste> {
    let text = format!(
        "#!define OFFHOOK_PROVIDER \"192.0.2.10\"\n\
         #!define OFFHOOK_URL \"{}/api/v1/events\"\n\
         #!define OFFHOOK_CONNECTOR {}\n\
         #!define OFFHOOK_HEADERS \"Content-Type: application/json\\r\\nAuthorization: Bearer {}\"",
        given.url, given.connector.id, given.token
    );
    vec![paste("Begin offhook.cfg with these lines", "with your provider's address; the rest is in the guide", text)]
}

fn ari(given: Given<'_>) -> Vec<Paste> {
    let socket = given.url.replacen("http", "ws", 1);
    let tls = if socket.starts_with("wss") { TLS } else { "tls_enabled = no" };
    let client = format!(
        "[offhook]\n\
         type = websocket_client\n\
         connection_type = persistent\n\
         uri = {socket}/connect/asterisk\n\
         protocols = ari\n\
         username = {}\n\
         password = {}\n\
         {tls}",
        given.connector.id, given.secret
    );
    // A second [general] would make Asterisk refuse the whole file at its next start.
    let general = "enabled = yes\n\
                   channelvars = CHANNEL(linkedid),CALLERID(num-pres)";
    let ari = "[offhook-user]\n\
               type = user\n\
               password = unused\n\
               \n\
               [offhook]\n\
               type = outbound_websocket\n\
               websocket_client_id = offhook\n\
               apps = offhook\n\
               subscribe_all = yes\n\
               local_ari_user = offhook-user";
    vec![
        paste("Paste into websocket_client.conf", "", client),
        paste("Add to [general] in ari.conf", "FreePBX: ari_general_custom.conf", general),
        paste("Paste into ari.conf", "at the end; FreePBX: ari_additional_custom.conf", ari),
        paste(
            "Then reload both files",
            "",
            "asterisk -rx \"module reload res_websocket_client.so\"\nasterisk -rx \"module reload res_ari.so\"",
        ),
    ]
}

/// FreeSWITCH posts a record of each call that has ended.
fn json_cdr(given: Given<'_>) -> Vec<Paste> {
    let text = format!(
        "<param name=\"log-b-leg\" value=\"false\"/>\n\
         <param name=\"encode-values\" value=\"false\"/>\n\
         <param name=\"url\" value=\"{}\"/>\n\
         <param name=\"retries\" value=\"2\"/>\n\
         <param name=\"delay\" value=\"5\"/>",
        address(given)
    );
    vec![
        paste("Set in json_cdr.conf.xml", "treat the address as a password", text),
        paste("Then reload the module", "", "fs_cli -x \"reload mod_json_cdr\""),
    ]
}

fn address(given: Given<'_>) -> String {
    format!("{}{REQUESTS_PATH_PREFIX}{}/{}", given.url, given.connector.id, given.secret)
}

fn http(given: Given<'_>) -> Vec<Paste> {
    let title = format!("Enter this address in {}", where_to(given.connector.system));
    vec![paste(title, "GET and POST; treat it as a password", address(given))]
}

/// Where the phone system wants the address.
const fn where_to(system: System) -> &'static str {
    match system {
        System::Yeastar => "Yeastar: Integrations → API → Webhook",
        System::Grandstream => "Grandstream: CDR → API settings",
        System::ThreeCx => "your 3CX CRM template, as the URL of its call report",
        System::Twilio => "Twilio: the number’s call status callback",
        System::Telnyx => "Telnyx: the Voice API application’s webhook URL",
        System::Sipgate => "sipgate.io: Webhooks, for incoming and outgoing calls",
        System::Placetel => "Placetel: Settings → External APIs → Notify",
        System::Asterisk | System::FreeSwitch | System::Kamailio | System::Other => "your phone system",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::components::connector_badge::sample;

    fn texts(system: System, way: Way) -> Vec<String> {
        let connector = Connector { way, ..sample(system) };
        let given =
            Given { connector: &connector, secret: "s3cret", token: "oh_t0ken", url: "https://hooks.example.com" };
        blocks(given).into_iter().map(|block| block.text).collect()
    }

    #[test]
    fn the_asterisk_user_can_read_calls_and_report_and_nothing_else() {
        let texts = texts(System::Asterisk, Way::Beside);
        assert!(texts[0].starts_with("[offhook]\nsecret = s3cret\ndeny = 0.0.0.0/0.0.0.0\n"), "{texts:?}");
        let lines: Vec<_> =
            texts[0].lines().filter(|line| line.contains("read =") || line.contains("write =")).collect();
        assert_eq!(lines[0], "read = call");
        assert!(lines.len() == 2 && lines[1].starts_with("write = reporting  ;"));
        assert!(texts[2].contains("--offhook https://hooks.example.com \\\n  --connector con_"), "{texts:?}");
        assert_eq!(texts[3], "--cdr-csv /var/log/asterisk/cdr-csv/Master.csv");
    }

    #[test]
    fn asterisk_dials_with_tls_only_where_this_server_has_it() {
        let client = &texts(System::Asterisk, Way::Ari)[0];
        assert!(client.contains("uri = wss://hooks.example.com/connect/asterisk\n"), "{client}");
        assert!(client.contains("\ntls_enabled = yes\nca_list_file = /etc/ssl/certs/ca-certificates.crt"), "{client}");
        assert!(client.contains("password = s3cret"));
    }

    #[test]
    fn kamailios_lines_are_those_that_the_guide_begins_with() {
        let page = include_str!("../../../../docs/help/connect-kamailio.md");
        let (_, block) = page.split_once("```text offhook.cfg\n").unwrap();
        let text = texts(System::Kamailio, Way::Beside).remove(0);
        let names = |text: &str| text.lines().take(4).map(|line| line.split(' ').nth(1).unwrap().to_owned()).collect();
        let (guide, ours): (Vec<String>, Vec<String>) = (names(block), names(&text));
        assert_eq!(guide, ours);
        assert!(text.contains(r#"#!define OFFHOOK_URL "https://hooks.example.com/api/v1/events""#), "{text}");
        assert!(text.contains(r"application/json\r\nAuthorization: Bearer oh_t0ken"), "{text}");
    }

    #[test]
    fn no_text_has_a_section_that_asterisks_own_file_has() {
        let texts = texts(System::Asterisk, Way::Ari);
        assert!(texts.iter().all(|text| !text.contains("[general]")), "{texts:?}");
        assert!(texts.iter().any(|text| text.contains("channelvars = CHANNEL(linkedid),CALLERID(num-pres)")));
    }

    #[test]
    fn every_way_of_every_system_has_its_secret_in_the_text() {
        for system in System::ALL {
            for way in system.ways().iter().filter(|way| **way != Way::Files) {
                let all = texts(*system, *way).join("\n");
                assert!(all.contains("s3cret") || all.contains("oh_t0ken"), "{system:?} {way:?}");
            }
        }
    }
}
