// The page that comes with dnsd: one file, no script, nothing from elsewhere. Private to page.cpp.
#pragma once

#include <string_view>

namespace dnsd::http {

inline constexpr std::string_view DEFAULT_PAGE = R"(<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex">
<title>{{name}}</title>
<style nonce="{{nonce}}">
:root { color-scheme: light dark; --ink: #1b1f24; --soft: #57606a; --paper: #f6f8fa; --card: #fff; --line: #d0d7de;
  --link: #0550ae; --warn: #8a2c0d; --warn-paper: #fff1e5; }
@media (prefers-color-scheme: dark) {
  :root { --ink: #e6edf3; --soft: #9da7b3; --paper: #0d1117; --card: #161b22; --line: #3d444d; --link: #79c0ff;
    --warn: #ffb77c; --warn-paper: #3b2312; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--paper); color: var(--ink); font: 1.0625rem/1.5 system-ui, sans-serif; }
main { max-width: 44rem; margin: 0 auto; padding: 1.5rem 1rem 3rem; }
h1 { font-size: 1.6rem; line-height: 1.25; overflow-wrap: anywhere; margin: 0 0 .25rem; }
h2 { font-size: 1.15rem; margin: 0; overflow-wrap: anywhere; }
p { margin: .25rem 0; }
.soft { color: var(--soft); }
ul { list-style: none; margin: 1.25rem 0 0; padding: 0; }
li { background: var(--card); border: 1px solid var(--line); border-radius: .6rem; padding: 1rem; margin: 0 0 .9rem; }
a { color: var(--link); overflow-wrap: anywhere; }
a:focus-visible, summary:focus-visible { outline: 3px solid var(--link); outline-offset: 3px; border-radius: .2rem; }
.go { display: inline-block; padding: .5rem 0; font-weight: 600; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .15rem 1rem; margin: .4rem 0; }
dt { color: var(--soft); }
dd { margin: 0; overflow-wrap: anywhere; }
.warning { color: var(--warn); background: var(--warn-paper); border-radius: .4rem; padding: .4rem .6rem; margin: .5rem 0; }
summary { cursor: pointer; padding: .35rem 0; color: var(--soft); }
svg { display: block; width: 13rem; max-width: 100%; height: auto; border-radius: .4rem; }
</style>
</head>
<body>
<main>
<h1>{{name}}</h1>
{{^exists}}
<p>There is no such name here, or it is not published any more.</p>
<p class="soft">A host that cannot be reached loses its name after a while. If it is yours, look after the program that announces it.</p>
{{/exists}}
{{#exists}}
{{^has_services}}
<p>Nothing is published under this name at present.</p>
{{/has_services}}
{{#has_services}}
<p class="soft">What can be reached under this name:</p>
<ul>
{{#services}}
<li>
<h2>{{#instance}}{{instance}} · {{/instance}}{{service}}</h2>
{{#url}}<p><a class="go" href="{{url}}" rel="noreferrer">{{url}}</a></p>{{/url}}
{{#warning}}<p class="warning">{{warning}}</p>{{/warning}}
<dl>
{{#host}}<dt>Host</dt><dd>{{host}}</dd>{{/host}}
{{#port}}<dt>Port</dt><dd>{{port}}{{#protocol}} / {{protocol}}{{/protocol}}</dd>{{/port}}
{{#uri}}<dt>URI</dt><dd>{{uri}}</dd>{{/uri}}
{{#reached}}<dt>Reachable</dt><dd>{{reached}}</dd>{{/reached}}
{{#since}}<dt>Published since</dt><dd><time datetime="{{since}}">{{since_text}}</time></dd>{{/since}}
{{#until}}<dt>Until</dt><dd><time datetime="{{until}}">{{until_text}}</time>, unless renewed</dd>{{/until}}
{{#txt}}<dt>{{key}}</dt><dd>{{value}}</dd>{{/txt}}
</dl>
{{#qr}}<details><summary>QR code</summary>{{{qr}}}</details>{{/qr}}
</li>
{{/services}}
</ul>
{{/has_services}}
{{/exists}}
</main>
</body>
</html>
)";

}  // namespace dnsd::http
