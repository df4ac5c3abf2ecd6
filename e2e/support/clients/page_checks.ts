import axe from 'axe-core';
import type { Page } from 'playwright-core';

/** The WCAG rules and best practices that the page breaks, each with the element, by axe-core. */
export async function accessibilityProblems(page: Page): Promise<string[]> {
  await page.evaluate(axe.source);
  return page.evaluate(`axe.run(document, { resultTypes: ['violations'] }).then(({ violations }) =>
    violations.flatMap(({ id, nodes }) => nodes.map(({ html, any }) => [id, html, ...any.map((check) => check.message)].join(' '))))`);
}

/** Controls whose border has a contrast below 3:1 with what is behind them (WCAG 2.2, 1.4.11). Controls without a border have a text. */
export function faintBorders(page: Page): Promise<string[]> {
  return page.evaluate(`(() => {
    const rgba = (text) => {
      const [red, green, blue, alpha = 1] = text.match(/[\\d.]+/g).map(Number);
      return { channels: [red, green, blue], alpha };
    };
    const luminance = (channels) => {
      const [red, green, blue] = channels.map((value) => value / 255).map((value) =>
        value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4);
      return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
    };
    const contrast = (a, b) => {
      const [dark, light] = [luminance(a), luminance(b)].sort((x, y) => x - y);
      return (light + 0.05) / (dark + 0.05);
    };
    const behind = (element) => {
      for (let at = element.parentElement; at; at = at.parentElement) {
        const { channels, alpha } = rgba(getComputedStyle(at).backgroundColor);
        if (alpha === 1) return channels;
      }
      return [255, 255, 255];
    };
    return [...document.querySelectorAll('input:not([type=hidden]), textarea, select, button')].flatMap((element) => {
      const style = getComputedStyle(element);
      const { channels, alpha } = rgba(style.borderTopColor);
      if (alpha === 0 && element.matches('button')) return [];
      const ratio = alpha < 1 || parseFloat(style.borderTopWidth) < 1 ? 1 : contrast(channels, behind(element));
      return ratio >= 3 ? [] : [element.outerHTML + ' ' + ratio.toFixed(2)];
    });
  })()`);
}

/** How many CSS pixels the page is wider than its window. */
export function overflow(page: Page): Promise<number> {
  return page.evaluate('document.documentElement.scrollWidth - document.documentElement.clientWidth');
}

/** The names of the controls, in the order in which the Tab key reaches them. */
export async function tabOrder(page: Page): Promise<string[]> {
  const names: string[] = [];
  await page.evaluate('document.activeElement.blur()');
  for (let count = 0; count < 100; count++) {
    await page.keyboard.press('Tab');
    const name: string = await page.evaluate(`(() => {
      const { tagName, name, value, id } = document.activeElement;
      return tagName === 'BODY' ? '' : [tagName, name, value || id].join(' ');
    })()`);
    if (name === '' || names.includes(name)) return names;
    names.push(name);
  }
  return names;
}
