//! Phone systems, and the ways in which each can be connected.

use serde::{Deserialize, Serialize};

macro_rules! names {
    ($name:ident { $($variant:ident = $code:literal, $label:literal;)+ }) => {
        impl $name {
            /// All of them.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The name in REST and in the database.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $code),+ }
            }

            /// The label for display.
            #[must_use]
            pub const fn label(self) -> &'static str {
                match self { $(Self::$variant => $label),+ }
            }

            /// The one with that name.
            #[must_use]
            pub fn parse(name: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|one| one.as_str() == name)
            }
        }

        impl TryFrom<String> for $name {
            type Error = String;
            fn try_from(name: String) -> std::result::Result<Self, String> {
                Self::parse(&name).ok_or_else(|| format!("{name:?} is unknown."))
            }
        }

        impl From<$name> for String {
            fn from(one: $name) -> Self {
                one.as_str().to_owned()
            }
        }
    };
}
pub(super) use names;

/// A phone system.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum System {
    /// Asterisk and what is built on it, such as FreePBX.
    Asterisk,
    /// FreeSWITCH.
    FreeSwitch,
    /// Kamailio, by its configuration.
    Kamailio,
    /// Yeastar.
    Yeastar,
    /// Grandstream UCM.
    Grandstream,
    /// 3CX.
    ThreeCx,
    /// Twilio.
    Twilio,
    /// Telnyx.
    Telnyx,
    /// sipgate.
    Sipgate,
    /// Placetel.
    Placetel,
    /// Any other that sends requests about its calls.
    Other,
}

names! { System {
    Asterisk = "asterisk", "Asterisk or FreePBX";
    FreeSwitch = "freeswitch", "FreeSWITCH";
    Kamailio = "kamailio", "Kamailio";
    Yeastar = "yeastar", "Yeastar";
    Grandstream = "grandstream", "Grandstream UCM";
    ThreeCx = "3cx", "3CX";
    Twilio = "twilio", "Twilio";
    Telnyx = "telnyx", "Telnyx";
    Sipgate = "sipgate", "sipgate";
    Placetel = "placetel", "Placetel";
    Other = "other", "Another phone system";
} }

impl System {
    /// The ways in which it can be connected, the recommended one first.
    #[must_use]
    pub const fn ways(self) -> &'static [Way] {
        match self {
            Self::Asterisk => &[Way::Beside, Way::Ari, Way::Ami, Way::Files],
            Self::FreeSwitch => &[Way::Beside, Way::Http, Way::Files],
            Self::Kamailio => &[Way::Beside],
            _ => &[Way::Http, Way::Files],
        }
    }
}

/// How a phone system is connected.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Way {
    /// A program beside the phone system posts its events over REST: `offhook connect`, or Kamailio itself.
    Beside,
    /// Asterisk dials the server: ARI over an outbound WebSocket.
    Ari,
    /// The server dials Asterisk's AMI on its own machine.
    Ami,
    /// The phone system sends requests of its own format, which a mapping turns into events.
    Http,
    /// Nothing is connected: its call record files are imported.
    Files,
}

names! { Way {
    Beside = "beside", "A program beside the phone system";
    Ari = "ari", "Asterisk connects to this server (ARI)";
    Ami = "ami", "This server connects to Asterisk on the same machine (AMI)";
    Http = "http", "The phone system sends HTTP requests";
    Files = "files", "Call record files";
} }

impl Way {
    /// Whether the connector holds a connection to the phone system, whose loss is an alert.
    #[must_use]
    pub const fn is_connected(self, system: System) -> bool {
        match self {
            Self::Beside => !matches!(system, System::Kamailio),
            Self::Ari | Self::Ami => true,
            Self::Http | Self::Files => false,
        }
    }

    /// Whether it runs inside the server.
    #[must_use]
    pub const fn is_inside(self) -> bool {
        !matches!(self, Self::Beside)
    }
}
