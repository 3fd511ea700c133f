// Every word of the interface, in English and Chinese, in one table.

const TABLE = {
  chat: ["Chat with Gemini", "与 Gemini 对话"],
  conversation: ["Conversation", "对话"],
  settings: ["Settings", "设置"],
  menu: ["More", "更多"],
  total: ["{0} tokens", "{0} 个词元"],
  totalTitle: ["Tokens of the whole conversation", "整个对话的词元"],
  turnOne: ["1 turn", "1 轮"],
  turns: ["{0} turns", "{0} 轮"],
  defaultModel: ["Default model", "默认模型"],

  you: ["You", "你"],
  youNumbered: ["Question {0}", "问题 {0}"],
  answerNumbered: ["Answer {0}", "回答 {0}"],
  fromCell: ["from a cell", "来自单元格"],
  fromCellTitle: ["This was asked in a cell of the notebook", "这是在笔记本的单元格中提问的"],
  stale: ["stale", "已过时"],
  staleTitle: ["Something before this turn has changed since it was answered", "在此回答之后，前面的内容已更改"],
  notSent: ["not sent along", "不再发送"],
  notSentTitle: ["This turn is not part of what the next question sends", "下一个问题不会包含这一轮"],
  emptyAnswer: ["No text came.", "没有返回文本。"],

  waiting: ["Waiting {0} s", "等待中 {0} 秒"],
  stopping: ["Stopping …", "正在停止…"],
  saysWaiting: ["The question was sent", "问题已发送"],
  saysAnswering: ["Gemini is answering", "Gemini 正在回答"],
  saysDone: ["The answer is complete", "回答完成"],
  saysStopped: ["The answer was stopped", "回答已停止"],
  saysFailed: ["No answer: {0}", "没有回答：{0}"],
  stopped: ["Stopped. This is what had arrived.", "已停止，以上为已收到的内容。"],
  failed: ["No answer came", "没有收到回答"],
  cutOff: ["The answer was cut off.", "回答被截断。"],
  blocked: ["The answer was blocked.", "回答被拦截。"],

  thinking: ["Thinking", "思考中"],
  thought: ["Thoughts", "思考过程"],
  thoughtFor: ["Thought for {0} s", "思考了 {0} 秒"],
  sources: ["Sources", "来源"],
  searches: ["Searched for", "搜索内容"],
  image: ["Image of the answer", "回答中的图片"],
  attachedImage: ["Attached image", "附加的图片"],
  imageGone: ["This picture could not be fetched.", "无法获取此图片。"],
  ranCode: ["Code that the model ran", "模型运行的代码"],
  output: ["Output", "输出"],
  outputFailed: ["Output (failed)", "输出（失败）"],
  callOf: ["Calls {0}", "调用 {0}"],
  resultOf: ["Result of {0}", "{0} 的结果"],
  download: ["Download {0}", "下载 {0}"],

  copy: ["Copy", "复制"],
  copied: ["Copied", "已复制"],
  copyFailed: ["The browser did not allow copying.", "浏览器不允许复制。"],
  copyAnswer: ["Copy the answer", "复制回答"],
  copyQuestion: ["Copy the question", "复制问题"],
  copyCode: ["Copy this code", "复制此代码"],
  insert: ["Insert", "插入"],
  inserted: ["Inserted", "已插入"],
  insertTitle: ["Insert as a new cell", "插入为新单元格"],
  insertCopied: ["This notebook cannot be given cells from here. The code was copied instead.", "无法从这里插入单元格，代码已复制。"],
  code: ["code", "代码"],
  retry: ["Retry", "重试"],
  retryTitle: ["Ask again for another answer", "重新提问"],
  edit: ["Edit and ask again", "编辑并重新提问"],
  editLabel: ["Edit the question", "编辑问题"],
  editHint: ["Later turns are taken back.", "之后的轮次将被撤回。"],
  resend: ["Ask again", "重新提问"],
  fork: ["Fork from here", "从这里分支"],
  forked: ["You are now in the fork “{0}”.", "你现在位于分支“{0}”。"],
  goOn: ["Continue", "继续"],
  cancel: ["Cancel", "取消"],

  placeholder: ["Ask something …", "输入问题…"],
  question: ["Your question", "你的问题"],
  hint: ["Enter sends, Shift+Enter begins a new line", "Enter 发送，Shift+Enter 换行"],
  hintStop: ["Esc stops the answer", "Esc 停止回答"],
  send: ["Send", "发送"],
  stop: ["Stop", "停止"],
  attach: ["Attach files", "添加附件"],
  attachments: ["Attachments", "附件"],
  remove: ["Remove {0}", "移除 {0}"],
  drop: ["Drop files to attach them", "拖放文件以添加"],
  tooLarge: ["{0} was not attached: with it, the attachments would have {1}, more than the {2} that a message may have.", "未添加 {0}：附件合计将达 {1}，超过每条消息 {2} 的上限。"],
  emptyFile: ["{0} was not attached: it is empty.", "未添加 {0}：文件为空。"],
  unreadable: ["{0} could not be read.", "无法读取 {0}。"],
  variable: ["Bring in a variable", "插入变量"],
  variables: ["Variables of the notebook", "笔记本变量"],
  noVariables: ["No variable begins like this.", "没有匹配的变量。"],
  kernelBusy: ["The kernel is busy. Your question goes out as soon as it listens.", "内核正忙，空闲后将发送你的问题。"],
  starting: ["Connecting to the kernel …", "正在连接内核…"],
  emptyTitle: ["Ask about your notebook", "就你的笔记本提问"],
  emptyText: ["{{name}} brings in a variable. Files and pictures can be pasted or dropped here.", "用 {{name}} 引入变量，也可以在此粘贴或拖放文件和图片。"],
  starters: ["Suggestions", "建议"],
  jump: ["Jump to latest", "跳到最新"],

  undo: ["Undo the last turn", "撤销最后一轮"],
  clear: ["Clear the conversation", "清空对话"],
  clearAsk: ["Clear the whole conversation ({0})?", "清空整个对话（{0}）？"],
  clearYes: ["Clear", "清空"],
  forkAll: ["Fork this conversation", "创建对话分支"],
  exportMd: ["Export as Markdown", "导出为 Markdown"],
  exportJson: ["Export as JSON", "导出为 JSON"],
  exportIpynb: ["Export as notebook", "导出为笔记本"],
  load: ["Load a conversation …", "载入对话…"],
  loaded: ["Loaded {0}.", "已载入 {0}。"],
  requestFailed: ["The kernel could not do this.", "内核无法完成此操作。"],
  newKernel: ["This is a new kernel. An earlier one saved this conversation.", "这是新的内核。之前的内核保存了这个对话。"],
  loadSaved: ["Load it", "载入"],
  restored: ["Restored from the autosave.", "已从自动保存恢复。"],
  dismiss: ["Dismiss", "关闭"],
  gone: [
    "The kernel was restarted or stopped. Run this cell again to go on, and load what was saved.",
    "内核已重启或停止。重新运行此单元格即可继续，并载入已保存的对话。",
  ],
  tryAgain: ["Try to reconnect", "尝试重新连接"],
  keep: ["Save as Markdown", "保存为 Markdown"],

  model: ["Model", "模型"],
  temperature: ["Temperature", "温度"],
  topP: ["Top P", "Top P"],
  thinkingField: ["Thinking", "思考"],
  maxTokens: ["Answer limit", "回答上限"],
  tokens: ["tokens", "词元"],
  system: ["System instruction", "系统指令"],
  systemHint: ["What the model should keep to in every answer", "模型在每次回答中应遵守的内容"],
  tools: ["Built-in tools", "内置工具"],
  toolSearch: ["Google Search", "Google 搜索"],
  toolUrl: ["Read web pages", "读取网页"],
  toolCode: ["Run code", "运行代码"],
  notSet: ["not set", "未设置"],
  unset: ["Back to the default: {0}", "恢复默认：{0}"],
  thinkOff: ["Off", "关闭"],
  thinkMinimal: ["Minimal", "最少"],
  thinkLow: ["Low", "低"],
  thinkMedium: ["Medium", "中"],
  thinkHigh: ["High", "高"],
  thinkBudget: ["Budget", "预算"],
  modelsNone: ["The server lists no models; type a name.", "服务器未列出模型，请输入名称。"],
  modelsList: ["Models", "模型列表"],

  tokensIn: ["{0} in", "输入 {0}"],
  tokensOut: ["{0} out", "输出 {0}"],
  tokensThought: ["{0} for thoughts", "思考 {0}"],
  tokensCached: ["{0} cached", "缓存 {0}"],
  seconds: ["{0} s", "{0} 秒"],
};

const COLUMN = { en: 0, zh: 1 };

/** "zh" for readers of Chinese, else "en": the page's language, then the browser's. */
export function chooseLocale(page = globalThis.document?.documentElement?.lang, own = globalThis.navigator?.language) {
  const chinese = [page, own].some((tag) => /^zh\b/i.test(tag ?? ""));
  return chinese ? "zh" : "en";
}

/** A function from a key of the table, and what fills its places, to words. */
export function wordsFor(locale) {
  const column = COLUMN[locale] ?? 0;
  return (key, ...values) => {
    const entry = TABLE[key];
    if (entry === undefined) throw new Error(`no words for ${key}`);
    return values.reduce((text, value, place) => text.replaceAll(`{${place}}`, String(value)), entry[column]);
  };
}

/** The keys and rows, for those who check the table. */
export const WORDS = TABLE;
