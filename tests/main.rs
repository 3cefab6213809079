//! Stories and contracts, one binary: the product driven through its own doors.
#![allow(clippy::unwrap_used, reason = "a story that does not hold ends")]

mod contract {
    //! What other programs and people rely on.
    mod api;
    mod help;
    mod schema;
}

mod stories {
    //! One file per noun or promise. Each is told on SQLite and, where a server is named, on PostgreSQL.
    mod abandoned;
    mod address;
    mod alert;
    mod alert_address;
    mod alert_command;
    mod analytics;
    mod analytics_full;
    mod analytics_loss;
    mod analytics_scale;
    mod analytics_watch;
    mod bad_invite;
    mod byte;
    mod crash;
    mod crossing;
    mod dashboard_account;
    mod dashboard_analytics;
    mod dashboard_audit;
    mod dashboard_forgery;
    mod dashboard_lost;
    mod dashboard_members;
    mod dashboard_name;
    mod dashboard_role;
    mod dashboard_scale;
    mod dashboard_secrets;
    mod dashboard_servers;
    mod dashboard_skills;
    mod dashboard_stdio;
    mod dashboard_team;
    mod dashboard_token;
    mod dashboard_workspace;
    mod expiry;
    mod faithful;
    mod full_disk;
    mod function;
    mod header;
    mod header_mismatch;
    mod held;
    mod invited_owner;
    mod log_message;
    mod malformed;
    mod malformed_http;
    mod member;
    mod model_tools;
    mod modern;
    mod name;
    mod odd_tool;
    mod offboard;
    mod old_sse;
    mod progress;
    mod prompt;
    mod question;
    mod question_end;
    mod quota;
    mod reader;
    mod refusal;
    mod relayed;
    mod removed_member;
    mod resource;
    mod resume;
    mod revocation;
    mod rotation;
    mod seats;
    mod secrecy;
    mod secret;
    mod secret_key;
    mod seed;
    mod seed_skill;
    mod server_request;
    mod session;
    mod skill;
    mod skill_yank;
    mod stalled;
    mod stdio;
    mod stdio_end;
    mod stdio_refusal;
    mod stdio_resource;
    mod stranger;
    mod subscription;
    mod takeover;
    mod task;
    mod team;
    mod team_role;
    mod threshold;
    mod token;
    mod upstream_session;
    mod workspace;
}
