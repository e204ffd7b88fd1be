//! Mappings for phone systems whose requests are documented, or known from elsewhere.

use super::mapping::Mapping;

/// A mapping to start from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Preset {
    /// Its name in REST and on the command line.
    pub name: &'static str,
    /// What people call the phone system.
    pub title: &'static str,
    /// Where its format is described.
    pub sources: &'static [&'static str],
    /// Whether the format was checked against the vendor's own documentation.
    pub documented: bool,
    /// What to know before using it.
    pub note: &'static str,
    json: &'static str,
}

impl Preset {
    /// The mapping as JSON, to be edited.
    #[must_use]
    pub fn json(&self) -> &'static str {
        self.json
    }

    /// The mapping.
    ///
    /// # Errors
    /// Never for the presets of a release: a test reads all of them.
    pub fn mapping(&self) -> Result<Mapping, domain::error::FieldError> {
        Mapping::parse(self.json)
    }

    /// The preset with this name.
    #[must_use]
    pub fn find(name: &str) -> Option<&'static Self> {
        PRESETS.iter().find(|preset| preset.name == name)
    }
}

/// All presets, in the order in which they are shown.
pub const PRESETS: &[Preset] = &[
    Preset {
        name: "3cx",
        title: "3CX (CRM template)",
        sources: &["https://github.com/NETMOUNTAINS/3CX-Transfact-Integration"],
        documented: false,
        note: "3CX reports calls when they end, through a CRM template of your own. The names of its variables were taken \
               from published templates; 3CX's own description could not be read. Calls have no ID: start, agent and number \
               stand for it.",
        json: include_str!("presets/3cx.json"),
    },
    Preset {
        name: "freeswitch",
        title: "FreeSWITCH (mod_json_cdr)",
        sources: &[
            "https://developer.signalwire.com/freeswitch/module-reference/event-handlers/mod_json_cdr/",
            "https://developer.signalwire.com/freeswitch/FreeSWITCH-Explained/Modules/mod_json_cdr_4653124",
        ],
        documented: true,
        note: "Set encode-values to false. Records of B legs are ignored. Not yet tried against a running FreeSWITCH.",
        json: include_str!("presets/freeswitch.json"),
    },
    Preset {
        name: "grandstream",
        title: "Grandstream UCM (CDR as JSON)",
        sources: &["https://www.manualslib.com/manual/995652/Grandstream-Networks-Ucm6510.html"],
        documented: false,
        note: "For a program that passes on the JSON of the CDR API. Grandstream's guide shows internal calls only (userfield \
               EXT); Inbound and Outbound were not checked. Set the time zone of the UCM in the connector's settings.",
        json: include_str!("presets/grandstream.json"),
    },
    Preset {
        name: "placetel",
        title: "Placetel (Notify API)",
        sources: &["https://github.com/Placetel/call-control-notify-api"],
        documented: true,
        note: "Choose the country Germany. Placetel names the SIP user, not the number, as the caller of an outgoing call.",
        json: include_str!("presets/placetel.json"),
    },
    Preset {
        name: "sipgate",
        title: "sipgate.io (push API)",
        sources: &[
            "https://developer.sipgate.io/push-api/api-reference/",
            "https://github.com/sipgate/docs/blob/master/docs/push-api/api-reference.md",
        ],
        documented: true,
        note: "Answers and hang-ups are asked for in the response to newCall. The duration is counted from when the call was answered.",
        json: include_str!("presets/sipgate.json"),
    },
    Preset {
        name: "telnyx",
        title: "Telnyx (Voice API)",
        sources: &[
            "https://developers.telnyx.com/api-reference/callbacks/call-hangup",
            "https://developers.telnyx.com/docs/voice/programmable-voice/voice-api-webhooks",
        ],
        documented: true,
        note: "Each leg is a call of its own. Its direction and duration come from the requests before its end.",
        json: include_str!("presets/telnyx.json"),
    },
    Preset {
        name: "twilio",
        title: "Twilio (status callbacks)",
        sources: &[
            "https://www.twilio.com/docs/usage/webhooks/voice-webhooks",
            "https://www.twilio.com/docs/api/twiml/twilio_request",
        ],
        documented: true,
        note: "Use the same URL for the status callback of incoming and of outgoing calls, with all events.",
        json: include_str!("presets/twilio.json"),
    },
    Preset {
        name: "yeastar",
        title: "Yeastar (NewCdr)",
        sources: &[
            "https://help.yeastar.com/en/p-series-software-edition/developer-guide/event-new-cdr.html",
            "https://help.yeastar.com/en/cloudpbx-developer-v2/api-v2/event-NewCdr.html",
        ],
        documented: true,
        note: "P-Series (event 30012), Cloud PBX, S-Series and K2 (NewCdr). Set the time zone of the PBX in the connector's settings.",
        json: include_str!("presets/yeastar.json"),
    },
];
