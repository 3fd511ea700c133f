// Hostile markup of the shapes that sanitisers have stumbled over since: what is parsed a second time becomes something else.

const RUN = "<img src=x onerror=run()>";

const SHAPES = {
  "a form in a form, by way of mathematics": `<form><math><mtext></form><form><mglyph><style></math>${RUN}`,
  "a style in a table in mathematics": `<math><mtext><table><mglyph><style><!--</style><a title="--&gt;${RUN}">`,
  "a comment in a style in a drawing": `<svg></p><style><!--</style>${RUN}-->`,
  "a section of character data": `<svg><![CDATA[><a title="]]>${RUN}">`,
  "a section of character data outside": `<![CDATA[ ${RUN} ]]>`,
  "a processing instruction": `<?xml version="1.0"?>${RUN}<?x ><b>`,
  "a declaration with a greater sign": `<!DOCTYPE x [<!ENTITY y ">${RUN}">]>`,
  "a title in a drawing": `<svg><title><style>/*</style></title></svg>${RUN}*/`,
  "a description in a drawing": `<svg><desc><noscript><p title="</noscript>${RUN}">`,
  "an annotation that is markup": `<math><annotation-xml encoding="TEXT/HTML"><p><style>${RUN}</style></p></annotation-xml></math>`,
  "deep nesting": `${"<div>".repeat(300)}<table><caption>${RUN}${"</div>".repeat(300)}`,
  "a caption that leaves its table": `<table><caption><svg><title><table><caption></caption></table></title><style><a id="</style>${RUN}">`,
  "a template in a template": `<template><template>${RUN}</template></template>`,
  "a shadow that is declared": `<div><template shadowrootmode=open>${RUN}<slot></slot></template></div>`,
  "an element with another name": `<x-a is="x-b" onfocus=run() tabindex=1 autofocus>x</x-a>`,
  "frames that show nothing": `<noframes><a title="</noframes>${RUN}">`,
  "an embed that shows nothing": `<noembed><a title="</noembed>${RUN}">`,
  "text that is plain to one parser": `<xmp><a title="</xmp>${RUN}">`,
  "a choice that drops its markup": `<select><option><style></option></select>${RUN}</style>`,
  "a choice of the newer kind": `<select><button><selectedcontent></selectedcontent></button><option>${RUN}</option></select>`,
  "names of the page": `<form id=document><input name=attributes><input name=parentNode></form><img name=createElement>`,
  "a name of all objects": `<a name=__proto__ id=constructor href=javascript:run()>x</a>`,
  "a permission that is asked for": `<permission onvalidationstatuschanged=run()></permission>`,
  "an address with characters before": `<a href="&#1;&#32;javascript:run()">x</a>`,
  "an address with line feeds": `<a href="java&NewLine;script&colon;run()">x</a>`,
  "an address in a link of another kind": `<svg><a xlink:href="javascript:run()"><text>x</text></a></svg>`,
  "an animated address": `<svg><a><set attributeName=href to=javascript:run() /><text>x</text></a></svg>`,
  "an attribute that ends a fence": "```<img src=x onerror=run()>\n```\"><img src=x onerror=run()>",
  "a link that holds a link": "[<javascript:run()> [x](javascript:run())](https://ok.example/ \"\\\"><img src=x onerror=run()>\")",
  "a class that is ours": '<span class="gm-target">javascript:run()</span><span class="gm-source">x</span><div class="gm-math">$x$</div>',
};

export function shapes() {
  return Object.entries(SHAPES).map(([id, payload]) => ({ id, payload }));
}
