// The account page: one file, no script, nothing from elsewhere. Private to account_page.cpp.
#pragma once

#include <string_view>

namespace dnsd::http {

inline constexpr std::string_view ACCOUNT_PAGE = R"(<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex">
<title>{{host}} – account</title>
<style nonce="{{nonce}}">
:root { color-scheme: light dark; --ink: #1b1f24; --soft: #57606a; --paper: #f6f8fa; --card: #fff; --line: #d0d7de;
  --link: #0550ae; --good: #116329; --bad: #8a2c0d; }
@media (prefers-color-scheme: dark) {
  :root { --ink: #e6edf3; --soft: #9da7b3; --paper: #0d1117; --card: #161b22; --line: #3d444d; --link: #79c0ff;
    --good: #7ee787; --bad: #ffb77c; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--paper); color: var(--ink); font: 1.0625rem/1.5 system-ui, sans-serif; }
main { max-width: 52rem; margin: 0 auto; padding: 1.5rem 1rem 3rem; }
h1 { font-size: 1.6rem; line-height: 1.25; overflow-wrap: anywhere; margin: 0 0 .25rem; }
section { background: var(--card); border: 1px solid var(--line); border-radius: .6rem; padding: 1rem; margin: 1rem 0; }
h2 { font-size: 1.15rem; margin: 0 0 .5rem; }
h3, .record { font-size: 1rem; font-weight: 600; margin: 0; overflow-wrap: anywhere; }
p { margin: .25rem 0; }
.soft { color: var(--soft); }
.good { color: var(--good); font-weight: 600; }
.bad { color: var(--bad); font-weight: 600; }
ol, ul { list-style: none; margin: 0; padding: 0; }
li { border-top: 1px solid var(--line); padding: .6rem 0; }
li:first-child { border-top: 0; }
code, pre { font: .95rem/1.45 ui-monospace, monospace; overflow-wrap: anywhere; white-space: pre-wrap; margin: 0; }
label { display: block; margin: .6rem 0 .15rem; }
input { font: inherit; width: 100%; max-width: 24rem; padding: .45rem .6rem; color: var(--ink); background: var(--paper);
  border: 1px solid var(--soft); border-radius: .4rem; }
button { font: inherit; padding: .5rem 1rem; margin: .9rem .5rem 0 0; color: var(--ink); background: var(--paper);
  border: 1px solid var(--soft); border-radius: .4rem; cursor: pointer; }
:focus-visible { outline: 3px solid var(--link); outline-offset: 2px; }
summary { cursor: pointer; padding: .35rem 0; }
</style>
</head>
<body>
<main>
<h1>{{host}}</h1>
<p class="soft">Logged in with the key {{key}}</p>
{{#done}}<p class="{{class}}" role="status">{{text}}</p>{{/done}}
<section aria-labelledby="published">
<h2 id="published">Published now</h2>
{{^has_records}}<p>Nothing.</p>{{/has_records}}
{{#has_records}}<ul>
{{#records}}<li>
<p class="record"><code>{{text}}</code></p>
{{#since}}<p class="soft">since <time>{{since}}</time>{{#by}}, {{by}}{{/by}}</p>{{/since}}
{{#until}}<p class="soft">until <time>{{until}}</time>, when it is not renewed</p>{{/until}}
</li>
{{/records}}
</ul>{{/has_records}}
</section>
<section aria-labelledby="announce">
<h2 id="announce">Announce by hand</h2>
<p class="soft">What a client publishes for you is better: a client notices when your address or port changes.</p>
<form method="post" action="/account/">
<input type="hidden" name="hostname" value="{{host}}">
<input type="hidden" name="token" value="{{token}}">
<label for="myip">External address</label>
<input id="myip" name="myip" value="{{address}}" autocomplete="off" spellcheck="false" required>
<label for="service">Service, as http, ssh/tcp or sip/udp; may be empty</label>
<input id="service" name="service" autocomplete="off" spellcheck="false">
<label for="port">External port of the service</label>
<input id="port" name="port" inputmode="numeric" autocomplete="off">
<div>
<button type="submit">Publish</button>
</div>
</form>
<form method="post" action="/account/">
<input type="hidden" name="hostname" value="{{host}}">
<input type="hidden" name="token" value="{{token}}">
<input type="hidden" name="offline" value="yes">
<button type="submit">Withdraw the addresses</button>
</form>
</section>
<section aria-labelledby="history">
<h2 id="history">What happened lately</h2>
{{^told}}<p>This cannot be told at the moment; load the page again.</p>{{/told}}
{{#told}}
{{^has_changes}}<p>Nothing that is still kept.</p>{{/has_changes}}
{{#has_changes}}<ol>
{{#changes}}<li>
<h3><time>{{time}}</time></h3>
<p class="soft">{{by}}</p>
{{#refused}}<p class="bad">refused: {{refused}}</p>{{/refused}}
{{#lines}}<p><code>{{line}}</code></p>{{/lines}}
</li>
{{/changes}}
</ol>{{/has_changes}}
{{/told}}
</section>
<section aria-labelledby="agent">
<h2 id="agent">Let an agent keep it right</h2>
<details><summary>Configuration for pcp-ddns</summary>
<pre>{{config}}</pre></details>
</section>
</main>
</body>
</html>
)";

}  // namespace dnsd::http
